export { makeAuthority, type TestAuthority, type TestPair } from "./certificates.ts";
export { ScriptedClient, type ScriptedList, type ScriptedWatch } from "./scripted-client.ts";
export { startTcpRelay, type TcpRelay } from "./tcp-relay.ts";
export {
  startUpstream,
  type TestUpstream,
  type UpstreamHandlers,
  upstreamName,
} from "./upstream-server.ts";
