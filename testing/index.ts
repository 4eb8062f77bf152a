export { makeAuthority, type TestAuthority, type TestPair } from "./certificates.ts";
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
