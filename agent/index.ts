export {
  createManagedTunnel,
  type ManagedTunnel,
  type ManagedTunnelOptions,
} from "./tunnel/create-tunnel.ts";
