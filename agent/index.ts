export { type AddonCheck, type AddonLeaseOptions, createAddonLease } from "./addon-lease.ts";
export { createTokenAgent, type TokenAgent, type TokenAgentOptions } from "./tokens/token-agent.ts";
export {
  createManagedTunnel,
  type ManagedTunnel,
  type ManagedTunnelOptions,
} from "./tunnel/create-tunnel.ts";
