import { createUserServer } from "#gateway/user-server";
import { createKubeClient } from "#kube";
import { createHealthServer, createMetrics } from "#runtime";
import type { TlsSource } from "#tunnel";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { followFile } from "./follow-file.ts";
import { auditFlags, openAudit } from "./gateway-audit.ts";
import { openTunnelTo, type TunnelServers, tunnelFlags } from "./gateway-tunnel.ts";
import { oidcFlags, oidcOptions } from "./oidc-flags.ts";
import { createOwnPodTeller } from "./own-pod.ts";
import type { ProcessOptions } from "./process.ts";
import { createTlsWatch, type WatchTls } from "./tls-watch.ts";

const flags = {
  "server-cert": { type: "string", default: "", help: "Serving certificate, PEM; required" },
  "server-key": { type: "string", default: "", help: "Its private key, PEM; required" },
  "server-port": { type: "int", default: 9092, help: "Port to serve HTTPS on" },
  "bind-address": { type: "string", default: "", help: "Address to listen on; all when empty" },
  host: { type: "string", default: "", help: "Host of the tunnel server; required" },
  port: { type: "int", default: 8090, help: "Port of the tunnel server for clients" },
  "proxy-service": tunnelFlags["proxy-service"],
  "proxy-ca-cert": { type: "string", default: "", help: "CA of the tunnel server, PEM; required" },
  "proxy-cert": {
    type: "string",
    default: "",
    help: "Client certificate for the tunnel, PEM; required",
  },
  "proxy-key": { type: "string", default: "", help: "Its private key, PEM; required" },
  "service-proxy-ca-cert": {
    type: "string",
    default: "",
    help: "CA of the service proxies on managed clusters, PEM; required",
  },
  "service-proxy-client-cert": {
    type: "string",
    default: "",
    help: "Certificate by which service proxies know this user server, PEM; required",
  },
  "service-proxy-client-key": { type: "string", default: "", help: "Its private key; required" },
  kubeconfig: {
    type: "string",
    default: "",
    help: "Kubeconfig of the hub; the pod's own service account when empty",
  },
  "exposed-services-configmap": {
    type: "string",
    default: "cluster-proxy-exposed-services",
    help: "ConfigMap of our namespace that lists the Services that may be reached; without it, none",
  },
  "agent-install-namespace": {
    type: "string",
    default: "",
    help: "Kept for compatibility, without effect, as upstream has it",
  },
  "health-port": { type: "int", default: 8000, help: "Port of /healthz, /readyz and metrics" },
  "drain-timeout": {
    type: "duration",
    default: "30s",
    help: "How long the end may take, with all that runs",
  },
  "min-drain-duration": {
    type: "duration",
    default: "10s",
    help: "How long it goes on taking requests after it says that it is not ready",
  },
  "authentication-token-webhook-cache-ttl": {
    type: "duration",
    default: "10s",
    help: "How long the hub's answer about a token counts",
  },
  ...oidcFlags,
  ...auditFlags,
} as const satisfies Readonly<Record<string, Flag>>;

type Values = FlagValues<typeof flags>;

/** How the process `user-server` is started. */
export const userServer: ProcessOptions<typeof flags> = {
  name: "user-server",
  summary: "Serves the APIs and the exposed Services of managed clusters, at /<cluster>/….",
  flags,
  async build(values, log) {
    checkDrain(values);
    const metrics = createMetrics();
    const client = await createKubeClient({
      kubeconfig: values.kubeconfig === "" ? undefined : values.kubeconfig,
      environment: process.env,
      userAgent: "spokeway-user-server",
    });
    const namespace = process.env["POD_NAMESPACE"] || client.access.namespace;
    if (namespace === undefined) throw new UsageError("Cannot start without $POD_NAMESPACE");
    const tell = createOwnPodTeller(client, "user-server", log);
    const tls = await openTls(values, createTlsWatch({ metrics, log, tell }));
    const audit = await openAudit(values, { slot: undefined }, metrics, log);
    const tunnel = openTunnelTo(tunnelServers(values, tls.tunnel), client, { metrics, log });
    const oidc = oidcOptions(values);
    const oidcCa = await followFile("oidc-ca-file", values["oidc-ca-file"]);
    const served = createUserServer({
      port: values["server-port"],
      ...(values["bind-address"] === "" ? {} : { host: values["bind-address"] }),
      certificate: pairFrom(tls.serving),
      client,
      exposedServices: { namespace, name: values["exposed-services-configmap"] },
      tunnelDial: tunnel.dial,
      tunnelDialEarly: tunnel.dialEarly,
      serviceProxyTls: tls.serviceProxy,
      oidc,
      oidcCa: oidcCa.current,
      audit,
      decisionTtls: { tokenTtlMs: values["authentication-token-webhook-cache-ttl"] },
      metrics,
      log,
      lameDuckMs: values["min-drain-duration"],
      drainMs: values["drain-timeout"] - values["min-drain-duration"],
    });
    const health = createHealthServer({
      port: values["health-port"],
      ready: { "user-server": () => served.reasonNotReady() },
      metrics,
    });
    const shared = [...tunnel.runnables, ...audit.runnables, ...Object.values(tls)];
    return [served, health, oidcCa.runnable, ...shared];
  },
};

async function openTls(values: Values, watchTls: WatchTls) {
  const flag = (name: keyof Values) => [name, required(values, name)] as const;
  return {
    serving: await watchTls({ cert: flag("server-cert"), key: flag("server-key") }),
    tunnel: await watchTls({
      ca: flag("proxy-ca-cert"),
      cert: flag("proxy-cert"),
      key: flag("proxy-key"),
    }),
    serviceProxy: await watchTls({
      ca: flag("service-proxy-ca-cert"),
      cert: flag("service-proxy-client-cert"),
      key: flag("service-proxy-client-key"),
    }),
  };
}

function tunnelServers(values: Values, tls: TlsSource): TunnelServers {
  const { port, "proxy-service": service } = values;
  return { host: required(values, "host"), port, service, tls };
}

function pairFrom(source: TlsSource) {
  const pairOf = ({ cert, key }: TlsSource["current"]) => ({
    cert: cert ?? Buffer.alloc(0),
    key: key ?? Buffer.alloc(0),
  });
  type Pair = ReturnType<typeof pairOf>;
  return {
    get current() {
      return pairOf(source.current);
    },
    onChange: (listener: (pair: Pair) => void) =>
      void source.onChange((material) => listener(pairOf(material))),
  };
}

/** With upstream's words. */
function checkDrain(values: Values): void {
  const [total, least] = [values["drain-timeout"], values["min-drain-duration"]];
  if (total < 0) throw new UsageError("drain-timeout must not be negative");
  if (least < 0) throw new UsageError("min-drain-duration must not be negative");
  if (least > total) throw new UsageError("min-drain-duration must not exceed drain-timeout");
}

function required(values: Values, flag: keyof Values): string {
  const value = values[flag];
  if (typeof value === "string" && value !== "") return value;
  throw new UsageError(`Cannot start without --${flag}`);
}
