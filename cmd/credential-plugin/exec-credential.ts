import { readTokenClaims, type Secret, timestamp, tokenSecretKeys } from "#api";
import { execApiVersion } from "./exec-info.ts";
import { PluginError } from "./plugin-error.ts";

/**
 * The answer to the client, one line of JSON: the token of the Secret, and until when it is to be
 * used. Throws a PluginError when there is none of that account that is still good.
 */
export function execCredentialOf(secret: Secret, account: string, now: Date): string {
  const { namespace, name } = secret.metadata;
  const encoded = secret.data?.[tokenSecretKeys.token] ?? "";
  const token = Buffer.from(encoded, "base64").toString("utf8").trim();
  if (token === "") {
    throw new PluginError(`secret ${namespace}/${name} has a missing or empty "token" key`);
  }
  const { subject, expiresAtMs } = readTokenClaims(token) ?? {};
  // Cluster a with account b-c and cluster a-b with account c have Secrets of one name: a token must
  // not reach the other cluster.
  if (subject?.endsWith(`:${account}`) === false) {
    throw new PluginError(
      `secret ${namespace}/${name} holds the token of ${subject}, not one of a ServiceAccount ${account}: another cluster and account have a Secret of the same name`,
    );
  }
  if (expiresAtMs !== undefined && expiresAtMs <= now.getTime()) {
    const when = timestamp(new Date(expiresAtMs));
    throw new PluginError(
      `the token in secret ${namespace}/${name} has expired at ${when} and was not renewed: look at the conditions of its ManagedServiceAccount on the hub`,
    );
  }
  const expiry =
    expiresAtMs === undefined ? {} : { expirationTimestamp: timestamp(new Date(expiresAtMs)) };
  const credential = {
    apiVersion: execApiVersion,
    kind: "ExecCredential",
    status: { token, ...expiry },
  };
  return `${JSON.stringify(credential)}\n`;
}
