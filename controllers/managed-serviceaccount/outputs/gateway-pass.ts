import { hash } from "node:crypto";
import { gatewayPassKeys as keys, timestamp } from "#api";
import type { TokenContent } from "./token-content.ts";

/** Enough for a token that is renewed, and renewed again before those with the old one look. */
const maxTokens = 4;

/** What a pass is made from. */
export interface PassInput {
  readonly cluster: string;
  /** `<namespace>/<name>`. */
  readonly account: string;
  readonly token: TokenContent;
  /** Content of the pass so far. */
  readonly before: Readonly<Record<string, string>> | undefined;
  readonly now: Date;
}

/**
 * The content of the pass of one account: digests of its tokens, the newest first. Earlier tokens stay
 * until they expire, so that nobody is cut off while the new one makes its way to him.
 */
export function gatewayPassOf({ cluster, account, token, before, now }: PassInput) {
  const digest = hash("sha256", token.text, "hex");
  const newest = `${digest} ${timestamp(new Date(token.expiresAtMs))}`;
  const isSameCluster = before?.[keys.cluster] === cluster;
  const earlier = (isSameCluster ? (before[keys.tokens] ?? "") : "")
    .split("\n")
    .filter((line) => !line.startsWith(digest) && isStillValid(line, now));
  return {
    [keys.cluster]: cluster,
    [keys.account]: account,
    [keys.tokens]: [newest, ...earlier].slice(0, maxTokens).join("\n"),
  };
}

function isStillValid(line: string, now: Date): boolean {
  const [digest = "", expiry = ""] = line.split(" ");
  return /^[0-9a-f]{64}$/.test(digest) && Date.parse(expiry) > now.getTime();
}
