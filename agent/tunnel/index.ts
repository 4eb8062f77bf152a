export {
  createManagedTunnel,
  type ManagedTunnel,
  type ManagedTunnelOptions,
} from "./create-tunnel.ts";
