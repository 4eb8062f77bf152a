export { dialAllowed } from "./agent/dial-allowed.ts";
export { createDialPolicy, type DialRules, refusedByDefault } from "./agent/dial-policy.ts";
export type { DialPolicy, OwnTarget } from "./agent/dial-target.ts";
export type { ServerCountSource } from "./agent/sync.ts";
export {
  createTunnelAgent,
  type TunnelAgent,
  type TunnelAgentOptions,
} from "./agent/tunnel-agent.ts";
export { createTunnelClient } from "./client/create-tunnel-client.ts";
export type { ServerAddresses, TunnelClient, TunnelClientOptions } from "./client/tunnel-client.ts";
export type { ListenerOptions, SocketFileOptions } from "./rpc/listener.ts";
export type { ServerList } from "./server/agent-news.ts";
export {
  type AgentClaim,
  type AuthorizeAgent,
  certificateIdentity,
  sharedIdentity,
} from "./server/authorize-agent.ts";
export { type StrategyName, strategyNames } from "./server/backends.ts";
export {
  type AgentAccount,
  type JudgeToken,
  type TokenVerdict,
  tokenIdentity,
} from "./server/token-identity.ts";
export {
  createTunnelServer,
  type FrontendMode,
  type TunnelServer,
  type TunnelServerOptions,
} from "./server/tunnel-server.ts";
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
export { unknownIdentifiers } from "./wire/identifiers.ts";
