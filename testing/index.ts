export { type AuditedRequest, AuditLog } from "./audit-log.ts";
export { type Balancer, startBalancer } from "./balancer.ts";
export { makeAuthority, type TestAuthority, type TestPair } from "./certificates.ts";
export { type ConnectProxy, type ConnectProxyOptions, startConnectProxy } from "./connect-proxy.ts";
export {
  type GoKonnectivity,
  type GoProcess,
  type GoPrograms,
  openGoKonnectivity,
} from "./go-konnectivity.ts";
export { anyMessage, anyPacket, clientNoise, serverNoise } from "./hostile-bytes.ts";
export {
  type Attack,
  floods,
  oversizedFields,
  stalls,
  type Victim,
} from "./hostile-clients.ts";
export {
  changeableTls,
  eventually,
  type LoopbackPorts,
  type LoopbackTunnel,
  openLoopbackTunnel,
  type Running,
  type RunningServer,
  tlsOf,
} from "./loopback-tunnel.ts";
export { type MetricFamily, metricFamilies } from "./metric-families.ts";
export { ScriptedClient, type ScriptedList, type ScriptedWatch } from "./scripted-client.ts";
export { startTcpRelay, type TcpRelay } from "./tcp-relay.ts";
export {
  type AgentProcessOptions,
  ourProgramsWith,
  ourTunnelPrograms,
  type ServerProcess,
  type ServerProcessOptions,
  type TunnelProcess,
  TunnelProcesses,
  type TunnelPrograms,
} from "./tunnel-processes.ts";
export {
  startUpstream,
  type TestUpstream,
  type UpstreamHandlers,
  upstreamName,
} from "./upstream-server.ts";
