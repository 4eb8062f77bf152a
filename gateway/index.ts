export type { ExecPolicy } from "./exec/exec-credentials.ts";
export {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type ServingCertificate,
} from "./gateway.ts";
export type { TunnelDial } from "./proxying/cluster-transports.ts";
