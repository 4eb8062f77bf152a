export type { TunnelClient, TunnelClientOptions } from "./client/tunnel-client.ts";
export {
  fixedTls,
  loadTlsFiles,
  type TlsFiles,
  type TlsFilesOptions,
  type TlsMaterial,
  type TlsSource,
} from "./tls-source.ts";
export { type Treatment, treatmentOf } from "./treatment.ts";
export { TunnelError, type TunnelErrorCode } from "./tunnel-error.ts";
