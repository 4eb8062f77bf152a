export { type AddonCheck, type AddonLeaseOptions, createAddonLease } from "./addon-lease.ts";
export type { TokenAgentOptions } from "./tokens/agent-options.ts";
export { createTokenAgent, type TokenAgent } from "./tokens/token-agent.ts";
export {
  createManagedTunnel,
  type ManagedTunnel,
  type ManagedTunnelOptions,
} from "./tunnel/create-tunnel.ts";
