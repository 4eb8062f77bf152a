import type { ServiceProxy } from "#agent/service-proxy";
import { type ExposedService, ExposedServicesError, parseExposedServices } from "#api";
import type { KubeClient } from "#kube";
import { describeError, type Logger, type Metrics, type Runnable } from "#runtime";
import { type DialPolicy, dialAllowed } from "#tunnel";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { followFile } from "./follow-file.ts";
import type { WatchTls } from "./tls-watch.ts";

/** Flags of `agent tunnel` about the service proxy that runs in it. */
export const serviceProxyFlags = {
  "enable-service-proxy": {
    type: "boolean",
    default: false,
    help: "Serve the hub's user server: this cluster's API, and the Services that are exposed",
  },
  "service-proxy-client-ca": {
    type: "string",
    default: "",
    help: "CA of the user server's certificate, PEM; required with a service proxy",
  },
  "exposed-services-file": {
    type: "string",
    default: "",
    help: "YAML list of the Services that may be reached, read again when it changes; none when empty",
  },
  "additional-service-ca": {
    type: "string",
    default: "",
    help: "Further CA of Services' certificates, PEM, beside the cluster's own",
  },
  "enable-impersonation": {
    type: "boolean",
    default: true,
    help: "Let users of the hub act on this cluster, impersonated; tokens of this cluster always may",
  },
} as const satisfies Readonly<Record<string, Flag>>;

type Values = FlagValues<typeof serviceProxyFlags> & {
  readonly "agent-cert": string;
  readonly "agent-key": string;
  readonly "cluster-name": string;
};

export interface ServiceProxyDeps {
  /** The managed cluster, with the agent's own account. */
  readonly openClient: () => Promise<KubeClient>;
  readonly policy: DialPolicy;
  readonly watchTls: WatchTls;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Throws a UsageError when the flags do not make a service proxy. */
export function checkServiceProxy(values: Values): void {
  if (!values["enable-service-proxy"]) return;
  for (const flag of ["service-proxy-client-ca", "cluster-name", "agent-cert"] as const) {
    if (values[flag] === "") throw new UsageError(`--enable-service-proxy needs --${flag}`);
  }
}

/** The service proxy as the agent's process sees it. */
export interface OpenedServiceProxy {
  readonly ownTarget: ServiceProxy["ownTarget"] | undefined;
  /** Checks of its readiness, by name. */
  readonly ready: Readonly<Record<string, () => string | undefined>>;
  readonly runnables: readonly Runnable[];
}

/** Builds what the flags ask for. Its code is loaded only then: most agents do without. */
export async function openServiceProxy(
  values: Values,
  { openClient, policy, watchTls, ...deps }: ServiceProxyDeps,
): Promise<OpenedServiceProxy> {
  if (!values["enable-service-proxy"]) return { ownTarget: undefined, ready: {}, runnables: [] };
  const client = await openClient();
  const { createServiceProxy } = await import("#agent/service-proxy");
  const tls = await watchTls({
    ca: ["service-proxy-client-ca", values["service-proxy-client-ca"]],
    cert: ["agent-cert", values["agent-cert"]],
    key: ["agent-key", values["agent-key"]],
  });
  const additional = await followFile("additional-service-ca", values["additional-service-ca"], {
    mayBeMissing: true,
  });
  const exposed = await followExposed(values["exposed-services-file"], deps.log);
  const proxy = createServiceProxy({
    ...deps,
    clusterName: values["cluster-name"],
    access: client.access,
    dialService: (address, signal) => dialAllowed(address, policy, signal),
    tls,
    additionalCa: additional.current,
    exposed: exposed.current,
    isImpersonating: values["enable-impersonation"],
  });
  return {
    ownTarget: proxy.ownTarget,
    ready: { "service-proxy": () => proxy.reasonNotReady() },
    runnables: [proxy, tls, additional.runnable, exposed.runnable],
  };
}

async function followExposed(path: string, log: Logger) {
  const flag = "exposed-services-file";
  const file = await followFile(flag, path);
  const read = (content: Buffer | undefined) =>
    parseExposedServices({ [path]: content?.toString("utf8") ?? "" });
  let current: readonly ExposedService[];
  try {
    current = read(file.current());
  } catch (error) {
    if (!(error instanceof ExposedServicesError)) throw error;
    throw new UsageError(`Cannot use --${flag}: ${error.message}`, { cause: error });
  }
  file.onChange((content) => {
    try {
      current = read(content);
      log.info("Exposed services changed", { services: current.length });
    } catch (error) {
      log.error("Cannot use exposed services, keeping the last list", {
        error: describeError(error),
      });
    }
  });
  return { runnable: file.runnable, current: () => current };
}
