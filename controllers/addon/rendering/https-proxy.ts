import type { AddOnDeploymentConfig } from "#api";
import { PkiError, parseCertificates } from "#pki";
import { describeError, TerminalError } from "#runtime";

/**
 * The authorities of the proxy for outgoing connections, PEM; empty where the proxy is not spoken to
 * in TLS, or has a certificate that all the world knows. Throws a `TerminalError` when they cannot
 * be read.
 */
export function httpsProxyCa(config: AddOnDeploymentConfig | undefined): string {
  const { httpsProxy = "", caBundle } = config?.spec.proxyConfig ?? {};
  if (!httpsProxy.startsWith("https:") || (caBundle ?? "") === "") return "";
  const text = Buffer.from(caBundle ?? "", "base64").toString("utf8");
  try {
    return parseCertificates(text)
      .map(({ pem }) => pem)
      .join("");
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new TerminalError(`Cannot use proxyConfig.caBundle: ${describeError(error)}`);
  }
}
