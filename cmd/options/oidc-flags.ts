import { type OidcOptions, signingAlgorithms } from "#gateway";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";

/** Flags about an issuer whose tokens are accepted beside the hub's. */
export const oidcFlags = {
  "oidc-issuer-url": {
    type: "string",
    default: "",
    help: "Issuer whose tokens are accepted beside the hub's; https, found by discovery",
  },
  "oidc-client-id": {
    type: "string",
    default: "",
    help: "Whom the issuer's tokens must be for; required with an issuer",
  },
  "oidc-username-claim": { type: "string", default: "sub", help: "Claim that is the user's name" },
  "oidc-username-prefix": {
    type: "string",
    default: "",
    help: "Prefix of the user's name, - for none; the issuer and # when empty and the claim is not email",
  },
  "oidc-groups-claim": { type: "string", default: "", help: "Claim with the user's groups" },
  "oidc-groups-prefix": { type: "string", default: "", help: "Prefix of each group" },
  "oidc-required-claim": {
    type: "list",
    default: [],
    help: "Claims that must be there, as key=value",
  },
  "oidc-signing-algs": {
    type: "list",
    default: ["RS256"],
    help: `Signatures that are accepted: ${signingAlgorithms.join(", ")}`,
  },
  "oidc-ca-file": {
    type: "string",
    default: "",
    help: "CA of the issuer, PEM; the system's when empty",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** What the flags say about an issuer; `undefined` without one. Throws a UsageError. */
export function oidcOptions(values: FlagValues<typeof oidcFlags>): OidcOptions | undefined {
  const { "oidc-issuer-url": issuerUrl, "oidc-client-id": clientId } = values;
  if (issuerUrl === "") return undefined;
  if (URL.parse(issuerUrl)?.protocol !== "https:") {
    throw new UsageError(`Cannot use --oidc-issuer-url=${issuerUrl}: not an https URL`);
  }
  if (clientId === "")
    throw new UsageError("Cannot use --oidc-issuer-url without --oidc-client-id");
  return {
    issuerUrl,
    clientId,
    usernameClaim: given(values["oidc-username-claim"]),
    usernamePrefix: given(values["oidc-username-prefix"]),
    groupsClaim: given(values["oidc-groups-claim"]),
    groupsPrefix: given(values["oidc-groups-prefix"]),
    requiredClaims: requiredClaims(values["oidc-required-claim"]),
    algorithms: values["oidc-signing-algs"].map(algorithm),
  };
}

function requiredClaims(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw new UsageError(`Cannot use --oidc-required-claim=${pair}: expected key=value`);
    }),
  );
}

function algorithm(name: string): OidcOptions["algorithms"][number] {
  const known = signingAlgorithms.find((candidate) => candidate === name);
  if (known !== undefined) return known;
  const expected = signingAlgorithms.join(", ");
  throw new UsageError(`Cannot use --oidc-signing-algs=${name}: expected ${expected}`);
}

function given(text: string): string | undefined {
  return text === "" ? undefined : text;
}
