import type { Flag, FlagValues } from "./flags.ts";
import { konnectivityFlags } from "./konnectivity-flags.ts";

/** The command line of `tunnel-server`: konnectivity's, and what it has beyond. */
export const tunnelServerFlags = {
  "server-cert": { type: "string", default: "", help: "Certificate that frontends see" },
  "server-key": { type: "string", default: "", help: "Key of that certificate" },
  "server-ca-cert": { type: "string", default: "", help: "CA of the frontends' certificates" },
  "cluster-cert": { type: "string", default: "", help: "Certificate that agents see" },
  "cluster-key": { type: "string", default: "", help: "Key of that certificate" },
  "cluster-ca-cert": { type: "string", default: "", help: "CA of the agents' certificates" },
  mode: { type: "string", default: "grpc", help: "How frontends speak: grpc or http-connect" },
  "uds-name": {
    type: "string",
    default: "",
    help: "Unix socket for frontends, in place of a port: who may open it may connect",
  },
  "delete-existing-uds-file": {
    type: "boolean",
    default: true,
    help: "Remove a socket that an earlier process left there",
  },
  "server-port": { type: "int", default: 8090, help: "Port for frontends; 0 with --uds-name" },
  "server-bind-address": { type: "string", default: "", help: "Address for frontends" },
  "agent-port": { type: "int", default: 8091, help: "Port for agents" },
  "agent-bind-address": { type: "string", default: "", help: "Address for agents" },
  "health-port": { type: "int", default: 8092, help: "Port of the health endpoints" },
  "health-bind-address": { type: "string", default: "", help: "Address of the health endpoints" },
  "admin-port": { type: "int", default: 8095, help: "Port of metrics again and of profiles" },
  "admin-bind-address": { type: "string", default: "127.0.0.1", help: "Address of that port" },
  "keepalive-time": {
    type: "duration",
    default: "1h0m0s",
    help: "Time between gRPC's pings to agents; ours come at least every 10s",
  },
  "frontend-keepalive-time": {
    type: "duration",
    default: "1h0m0s",
    help: "Time between gRPC's pings to frontends; ours are pinged at least every 10s",
  },
  "server-id": { type: "string", default: "", help: "Name of this server; random when empty" },
  "server-count": {
    type: "int",
    default: 1,
    help: "Servers that agents should look for, if there are not more Leases",
  },
  "agent-namespace": {
    type: "string",
    default: "",
    help: "Know agents by ServiceAccount tokens: the namespace of their account",
  },
  "agent-service-account": { type: "string", default: "", help: "The name of that account" },
  "authentication-audience": { type: "string", default: "", help: "The audience of those tokens" },
  kubeconfig: {
    type: "string",
    default: "",
    help: "For tokens and Leases; the pod's own if empty",
  },
  "kubeconfig-qps": { type: "int", default: 0, help: "Accepted without effect" },
  "kubeconfig-burst": { type: "int", default: 0, help: "Accepted without effect" },
  "proxy-strategies": {
    type: "list",
    default: ["default"],
    help: "How agents are chosen, in order: destHost, defaultRoute, default",
  },
  "cipher-suites": { type: "list", default: [], help: "TLS 1.2 suites in Go's names" },
  "tls-min-version": { type: "string", default: "", help: "VersionTLS12 or VersionTLS13" },
  "xfr-channel-size": { type: "int", default: 10, help: "Accepted: queues are bounded in bytes" },
  "enable-lease-controller": {
    type: "boolean",
    default: false,
    help: "Keep a Lease while this server runs, and tell agents of all servers that do",
  },
  "lease-namespace": { type: "string", default: "kube-system", help: "Namespace of that Lease" },
  "lease-label": {
    type: "string",
    default: "k8s-app=konnectivity-server",
    help: "Labels of that Lease, as a=b,c=d",
  },
  "graceful-shutdown-timeout": {
    type: "duration",
    default: "0s",
    help: "How long what is open may go on at the end, once agents and frontends were asked to use others",
  },
  "backend-dial-timeout": {
    type: "duration",
    default: "30s",
    help: "How long an agent may take to answer a dial",
  },
  "warn-on-channel-limit": { type: "boolean", default: true, help: "Accepted without effect" },
  "agent-identity": {
    type: "string",
    default: "shared",
    help: "shared: any agent may serve any host; certificate: only those its certificate names",
  },
  "shared-agent-name": {
    type: "list",
    default: [],
    help: "With --agent-identity=certificate: common names that may serve any host all the same",
  },
  ...konnectivityFlags,
} as const satisfies Readonly<Record<string, Flag>>;

export type TunnelServerValues = FlagValues<typeof tunnelServerFlags>;
