import { X509Certificate } from "node:crypto";
import { type Exchange, headerValues, type Peer } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import { isClientOf } from "./certificate-chain.ts";
import { vouchedUser } from "./front-proxy.ts";
import type { ReviewToken } from "./token-review.ts";
import type { Trust } from "./trust.ts";
import { type User, withAuthenticated } from "./user.ts";

/** Says who asks. Throws a GatewayError `unauthenticated` or `hub_unavailable`. */
export type Authenticate = (exchange: Exchange) => User | Promise<User>;

export interface AuthenticateOptions {
  /** Whom to believe at this moment. */
  readonly trust: () => Trust;
  readonly reviewToken: ReviewToken;
  readonly now?: () => Date;
}

/** What the certificate of a connection proves, for one state of trust. */
interface Verdict {
  readonly generation: number;
  readonly isFrontProxy: boolean;
  readonly user: User | undefined;
}

/**
 * Authenticates as an aggregated API server does: the front proxy's word if its certificate proves
 * that it is the front proxy, then the client's own certificate, then a token of the hub.
 */
export function createAuthenticate({
  trust,
  reviewToken,
  now = () => new Date(),
}: AuthenticateOptions): Authenticate {
  const verdicts = new WeakMap<Peer, Verdict>();
  const verdictOn = (peer: Peer): Verdict => {
    const current = trust();
    const known = verdicts.get(peer);
    if (known?.generation === current.generation) return known;
    const verdict = judge(peer, current, now());
    verdicts.set(peer, verdict);
    return verdict;
  };
  return (exchange) => {
    const { isFrontProxy, user } = verdictOn(exchange.peer);
    // Without that proof, X-Remote-* is what anybody may write.
    const vouched = isFrontProxy ? vouchedUser(exchange.headers, trust()) : undefined;
    return vouched ?? user ?? byToken(exchange, reviewToken);
  };
}

async function byToken(exchange: Exchange, reviewToken: ReviewToken): Promise<User> {
  const [authorization = "", ...others] = headerValues(exchange.headers, "authorization");
  if (others.length > 0) throw unauthenticated("Authorization came more than once");
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw unauthenticated("no credential that the hub knows came with it");
  const user = await askHub(reviewToken, token);
  if (user === undefined) throw unauthenticated("its token is not accepted");
  return user;
}

async function askHub(reviewToken: ReviewToken, token: string): Promise<User | undefined> {
  try {
    return await reviewToken(token);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("hub_unavailable", "Cannot authenticate: the hub's API is not there", {
      cause,
    });
  }
}

function unauthenticated(why: string): GatewayError {
  return new GatewayError("unauthenticated", `Cannot authenticate request: ${why}`);
}

function judge(peer: Peer, trust: Trust, now: Date): Verdict {
  const { generation, frontProxyCas, clientCas, allowedNames } = trust;
  const leaf = peer.tls.getPeerX509Certificate();
  if (leaf === undefined) return { generation, isFrontProxy: false, user: undefined };
  const chain = { leaf, intermediates: intermediatesOf(peer) };
  const { CN: name = "", O: organizations } = leaf.toLegacyObject().subject as Subject;
  const isNamed = allowedNames.length === 0 || allowedNames.includes(name);
  const isClient = name !== "" && isClientOf(chain, clientCas, now);
  return {
    generation,
    isFrontProxy: isNamed && isClientOf(chain, frontProxyCas, now),
    user: isClient ? certificateUser(name, organizations) : undefined,
  };
}

interface Subject {
  readonly CN?: string;
  readonly O?: string | readonly string[];
}

function certificateUser(name: string, organizations: Subject["O"] = []): User {
  const groups = typeof organizations === "string" ? [organizations] : organizations;
  return { name, groups: withAuthenticated(name, groups), extra: {} };
}

const maxIntermediates = 4;

/** What the client sent along; it ends where a certificate is its own issuer. */
function intermediatesOf(peer: Peer): readonly X509Certificate[] {
  const list: X509Certificate[] = [];
  let at = peer.tls.getPeerCertificate(true).issuerCertificate as Issuer | undefined;
  while (at?.raw !== undefined && list.length < maxIntermediates) {
    list.push(new X509Certificate(at.raw));
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
  }
  return list;
}

interface Issuer {
  readonly raw?: Buffer;
  readonly issuerCertificate?: Issuer;
}
