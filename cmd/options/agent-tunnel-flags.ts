import { refusedByDefault } from "#tunnel";
import type { Flag } from "./flags.ts";
import { konnectivityFlags } from "./konnectivity-flags.ts";
import { proxyFlags } from "./proxy-flags.ts";
import { serviceProxyFlags } from "./service-proxy-flags.ts";

/** The command line of `agent tunnel`: upstream's agent and addon agent in one. */
export const agentTunnelFlags = {
  "agent-cert": { type: "string", default: "", help: "Client certificate for the tunnel servers" },
  "agent-key": { type: "string", default: "", help: "Key of the client certificate" },
  "ca-cert": { type: "string", default: "", help: "CA of the tunnel servers' certificates" },
  "proxy-server-host": { type: "string", default: "127.0.0.1", help: "Host of the tunnel servers" },
  "proxy-server-port": { type: "int", default: 8091, help: "Port of the tunnel servers" },
  "alpn-proto": { type: "list", default: [], help: "Not supported" },
  "health-server-host": { type: "string", default: "", help: "Address of the health endpoints" },
  "health-server-port": { type: "int", default: 8093, help: "Port of the health endpoints" },
  "admin-bind-address": { type: "string", default: "127.0.0.1", help: "Address of the admin port" },
  "admin-server-port": { type: "int", default: 8094, help: "Port of profiles" },
  "agent-id": { type: "string", default: "", help: "Name of this agent; random when empty" },
  "sync-interval": { type: "duration", default: "1s", help: "Wait between looks for servers" },
  "sync-interval-cap": { type: "duration", default: "2s", help: "Longest wait while looks fail" },
  "probe-interval": {
    type: "duration",
    default: "1s",
    help: "Accepted: streams tell by themselves",
  },
  "keepalive-time": {
    type: "duration",
    default: "35s",
    help: "Time between pings; servers of ours are pinged at least every 10s",
  },
  "service-account-token-path": { type: "string", default: "", help: "Token for the servers" },
  "agent-identifiers": { type: "string", default: "", help: "What it can reach: host=a&host=b" },
  "warn-on-channel-limit": { type: "boolean", default: false, help: "Accepted without effect" },
  "sync-forever": { type: "boolean", default: false, help: "Go on looking for servers" },
  "xfr-channel-size": { type: "int", default: 150, help: "Accepted: queues are bounded in bytes" },
  "count-server-leases": { type: "boolean", default: false, help: "Count servers by their Leases" },
  "lease-namespace": { type: "string", default: "kube-system", help: "Namespace of those Leases" },
  "lease-label-selector": {
    type: "string",
    default: "k8s-app=konnectivity-server",
    help: "Labels of those Leases",
  },
  "lease-label": { type: "string", default: "", help: "Old name of --lease-label-selector" },
  "server-count-source": { type: "string", default: "default", help: "default or max" },
  kubeconfig: {
    type: "string",
    default: "",
    help: "Of the managed cluster; the pod's own if empty",
  },
  "hub-kubeconfig": { type: "string", default: "", help: "The addon's kubeconfig of the hub" },
  "cluster-name": { type: "string", default: "", help: "Name of the managed cluster" },
  "proxy-server-namespace": {
    type: "string",
    default: "open-cluster-management-addon",
    help: "Namespace of the tunnel servers on the hub",
  },
  "enable-port-forward-proxy": {
    type: "boolean",
    default: false,
    help: "Reach the tunnel servers through the hub's API server, at a port of 127.0.0.1",
  },
  "port-forward-target-port": {
    type: "int",
    default: 8091,
    help: "Port of the tunnel servers' pods that is forwarded to",
  },
  "enable-proxy-agent-health-check": {
    type: "boolean",
    default: true,
    help: "Accepted: the Lease is renewed only while the tunnel is up",
  },
  "refuse-target-networks": {
    type: "list",
    default: refusedByDefault,
    help: "Networks that the agent connects to for nobody",
  },
  "allow-target-networks": {
    type: "list",
    default: [],
    help: "Networks that it connects to although they are refused",
  },
  "allow-target-ports": {
    type: "list",
    default: [],
    help: "Ports and ranges that it connects to, as 443,8000-8100; any when empty",
  },
  ...serviceProxyFlags,
  ...proxyFlags,
  ...konnectivityFlags,
} as const satisfies Readonly<Record<string, Flag>>;
