import type { KubeClient } from "#kube";
import type { Logger } from "#runtime";
import { askJson } from "../https-json.ts";
import { createIssuerKeys } from "./oidc/issuer-keys.ts";
import { createOidc, type OidcOptions } from "./oidc/oidc.ts";
import { createTokenReview, type ReviewToken } from "./token-review.ts";

export interface TokenReaderOptions {
  readonly client: Pick<KubeClient, "create">;
  /** Whose tokens are accepted beside the hub's own. */
  readonly oidc?: OidcOptions | undefined;
  /** CAs of that issuer, PEM; without any, the system's. */
  readonly oidcCa?: () => Buffer | undefined;
  readonly log: Logger;
}

/** Says whose a token is: tokens of the issuer are read here, all others by the hub. */
export function createTokenReader({ client, oidc, oidcCa, log }: TokenReaderOptions): ReviewToken {
  const byHub = createTokenReview(client);
  if (oidc === undefined) return byHub;
  const keys = createIssuerKeys({
    issuerUrl: oidc.issuerUrl,
    fetchDocument: async (url) => askJson(url, { ca: oidcCa?.() }),
  });
  return createOidc(oidc, keys, byHub, log);
}
