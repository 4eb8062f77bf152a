export { makeAuthority, type TestAuthority, type TestPair } from "./certificates.ts";
export {
  startUpstream,
  type TestUpstream,
  type UpstreamHandlers,
  upstreamName,
} from "./upstream-server.ts";
