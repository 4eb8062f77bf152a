import {
  type ExposedService,
  isExposed,
  type ServiceTarget,
  serviceProxyHost,
  serviceProxyPort,
  userServerClientName,
} from "#api";
import {
  createFront,
  type Exchange,
  type FrontTls,
  forward,
  forwardPath,
  headerValue,
  type Peer,
  parseTarget,
} from "#proxy";
import { describeError, type Logger, type Metrics, type Runnable } from "#runtime";
import type { OwnTarget, TlsSource } from "#tunnel";
import { type CheckAccess, createAccessCheck } from "./access-check.ts";
import { describeService, readDestination } from "./destination.ts";
import { apiRequestHeaders, serviceRequestHeaders, userFields } from "./request-headers.ts";
import { type Requester, readRequester } from "./requester.ts";
import { answerError, errorTo, httpStatusOf, ServiceProxyError } from "./service-proxy-error.ts";
import {
  type ApiUpstream,
  createUpstreams,
  type Upstreams,
  type UpstreamsOptions,
} from "./upstreams.ts";

export interface ServiceProxyOptions extends UpstreamsOptions {
  readonly clusterName: string;
  /** The agent's certificate to serve with, and in `ca` whom the user server's comes from. */
  readonly tls: TlsSource;
  /** Which Services may be reached at all, at this moment. */
  readonly exposed: () => readonly ExposedService[];
  /** Whether users of the hub may act, by the agent's right to impersonate them. */
  readonly isImpersonating: boolean;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export interface ServiceProxy extends Runnable {
  /** Leads the tunnel here, for the one name that is the service proxy's. */
  readonly ownTarget: OwnTarget;
  /** Why it cannot serve now, or `undefined`. */
  reasonNotReady(): string | undefined;
}

/** Not for the network: the tunnel that leads here ends in this process. */
const loopback = "127.0.0.1";

/**
 * The managed end of the user server's way: the API server, and the Services that are listed. It
 * serves who has the user server's certificate and nobody else, and listens on the pod's own
 * loopback address only.
 */
export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  const { tls, log } = options;
  const upstreams = createUpstreams(options);
  const front = createFront({
    host: loopback,
    port: 0,
    tls: frontTls(tls),
    handle: createHandler(options, upstreams),
    log,
  });
  let port = 0;
  const address = `${serviceProxyHost(options.clusterName)}:${serviceProxyPort}`;
  return {
    name: "service-proxy",
    ownTarget: (asked) => (asked === address && port > 0 ? { host: loopback, port } : undefined),
    reasonNotReady: () => (port > 0 ? undefined : "the service proxy does not listen"),
    async run(signal) {
      const forget = tls.onChange(() => front.secure(frontTls(tls)));
      const listening = front.port.then(
        (number) => {
          port = number;
          log.info("Service proxy ready", { address });
        },
        // `run` throws it as well.
        () => undefined,
      );
      try {
        await front.run(signal);
      } finally {
        forget();
        await listening;
        port = 0;
        upstreams.destroy();
      }
    },
  };
}

function frontTls({ current }: TlsSource): FrontTls {
  const { ca, cert = Buffer.alloc(0), key = Buffer.alloc(0) } = current;
  return { cert, key, clientCas: ca === undefined ? [] : [ca.toString()] };
}

interface Handling {
  readonly options: ServiceProxyOptions;
  readonly upstreams: Upstreams;
  readonly checkAccess: CheckAccess;
}

function createHandler(options: ServiceProxyOptions, upstreams: Upstreams) {
  const handling: Handling = { options, upstreams, checkAccess: createAccessCheck() };
  const requests = options.metrics.counter({
    name: "spokeway_service_proxy_requests_total",
    help: "Requests of the hub's user server, by what they were for and by status.",
    labels: ["for", "code"],
  });
  return (exchange: Exchange): void => {
    const trace: Trace = { for: "unknown" };
    void serve(exchange, handling, trace)
      .catch((reason: unknown) => {
        const error = errorTo(trace.upstream ?? "it", reason);
        if (error.code === "internal") {
          options.log.error("Cannot handle request", { error: describeError(reason) });
        }
        answerError(exchange, error);
        return httpStatusOf(error);
      })
      .then((code) => requests.inc({ for: trace.for, code: String(code) }));
  };
}

/** What a request turns out to be for, for those who tell of it. */
interface Trace {
  for: "unknown" | "api" | "service";
  upstream?: string;
}

async function serve(exchange: Exchange, handling: Handling, trace: Trace): Promise<number> {
  if (!isUserServer(exchange.peer)) {
    const message = `authentication failed: only the hub's user server may connect (a client certificate for ${userServerClientName})`;
    throw new ServiceProxyError("unauthenticated", message);
  }
  const destination = readDestination(exchange.headers);
  const requester = readRequester(exchange.headers);
  trace.for = destination.kind;
  trace.upstream = "the API server";
  const api = await handling.upstreams.api();
  if (requester.kind === "user") checkImpersonating(api, handling.options);
  if (destination.kind === "api") {
    const outcome = await forward(exchange, {
      transport: api.transport,
      path: pathOf(exchange),
      requestHeaders: apiRequestHeaders(requester, api.ownToken),
    });
    return outcome.status;
  }
  const { target } = destination;
  checkExposed(target, handling.options.exposed());
  await handling.checkAccess(askerOf(requester, api), exchange.method, target);
  trace.upstream = describeService(target);
  const outcome = await forward(exchange, {
    transport: await handling.upstreams.service(target, isGrpc(exchange)),
    path: pathOf(exchange),
    requestHeaders: serviceRequestHeaders(requester),
  });
  return outcome.status;
}

/** Checked here as well: what is behind must read the path that was authorized. */
function pathOf({ target }: Exchange): string {
  const { path, query } = parseTarget(target);
  return forwardPath(path) + query;
}

const known = new WeakMap<Peer, boolean>();

function isUserServer(peer: Peer): boolean {
  const before = known.get(peer);
  if (before !== undefined) return before;
  const { CN } = (peer.tls.getPeerX509Certificate()?.toLegacyObject().subject ?? {}) as {
    readonly CN?: string | readonly string[];
  };
  const verdict = peer.tls.authorized && CN === userServerClientName;
  known.set(peer, verdict);
  return verdict;
}

function checkImpersonating({ ownToken }: ApiUpstream, { isImpersonating }: ServiceProxyOptions) {
  if (!isImpersonating) {
    const message =
      "Users of the hub may not act on this managed cluster: its agent runs without --enable-impersonation. Use a token of the managed cluster";
    throw new ServiceProxyError("forbidden", message);
  }
  if (ownToken !== undefined) return;
  const message = "Cannot impersonate: the agent has no token of its own";
  throw new ServiceProxyError("internal", message);
}

function checkExposed(target: ServiceTarget, exposed: readonly ExposedService[]): void {
  if (isExposed(exposed, target)) return;
  const { namespace, name } = target;
  throw new ServiceProxyError(
    "forbidden",
    `service ${namespace}/${name} is not in the exposed services allowlist of the managed cluster (${describeService(target)})`,
  );
}

function askerOf(requester: Requester, { transport, ownToken }: ApiUpstream) {
  if (requester.kind === "user") {
    const credential = userFields(requester.impersonation, ownToken);
    return { transport: transport(), credential };
  }
  if (requester.impersonation.length > 0) {
    const message = "Cannot impersonate towards a service: it would see the token itself";
    throw new ServiceProxyError("bad_request", message);
  }
  return { transport: transport(), credential: ["authorization", `Bearer ${requester.token}`] };
}

/** Only gRPC needs HTTP/2 of a Service that does not say in a handshake what it speaks. */
function isGrpc({ headers }: Exchange): boolean {
  return /^application\/grpc\b/i.test(headerValue(headers, "content-type") ?? "");
}
