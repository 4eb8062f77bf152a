import { readFile } from "node:fs/promises";
import { createProxyChooser, describeError, type ProxyChooser, proxyRulesOf } from "#runtime";
import { UsageError } from "./flags.ts";
import { checkFile } from "./tls-flags.ts";

/** The flags of a program that connects to the hub through a proxy. */
export const proxyFlags = {
  "https-proxy-ca-cert": {
    type: "string",
    default: "",
    help: "CA of a proxy that is spoken to in TLS; HTTPS_PROXY and NO_PROXY say which proxy, and for what",
  },
} as const;

/** The proxies of the environment. Throws a `UsageError` that says what cannot be used. */
export async function readProxies(
  values: { readonly "https-proxy-ca-cert": string },
  environment: NodeJS.ProcessEnv,
): Promise<ProxyChooser> {
  const path = values["https-proxy-ca-cert"];
  await checkFile("https-proxy-ca-cert", path);
  // Read for each connection, as it may be exchanged at any time.
  const readCa = path === "" ? undefined : async () => readFile(path, "utf8");
  try {
    return createProxyChooser({ ...proxyRulesOf(environment), readCa });
  } catch (error) {
    throw new UsageError(describeError(error));
  }
}
