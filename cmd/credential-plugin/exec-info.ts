import * as z from "zod";
import { PluginError } from "./plugin-error.ts";

/** The one version of the exec credential API that is spoken. */
export const execApiVersion = "client.authentication.k8s.io/v1";

const schema = z.looseObject({
  apiVersion: z.string(),
  kind: z.literal("ExecCredential"),
  spec: z
    .looseObject({
      cluster: z
        .looseObject({
          server: z.string().optional(),
          "insecure-skip-tls-verify": z.boolean().optional(),
          config: z.unknown().optional(),
        })
        .optional(),
    })
    .prefault({}),
});

/** Whom a client is about to talk to. */
export interface ExecInfo {
  /** Name of the managed cluster. */
  readonly clusterName: string;
}

/**
 * Reads what the client says in `KUBERNETES_EXEC_INFO`. Throws a PluginError that names the part that
 * is missing, and for servers that a token must not be sent to.
 */
export function parseExecInfo(text: string | undefined): ExecInfo {
  const variable = "KUBERNETES_EXEC_INFO";
  if (text === undefined || text.trim() === "") {
    throw new PluginError(
      `missing ${variable}: this program is called by kubectl and client-go, from users[].user.exec of a kubeconfig`,
    );
  }
  const info = schema.safeParse(parseJson(text));
  if (!info.success) throw new PluginError(`invalid ${variable}: it is no ExecCredential`);
  const { apiVersion, spec } = info.data;
  if (apiVersion !== execApiVersion) {
    throw new PluginError(
      `invalid ${variable}: its apiVersion is ${apiVersion}; set apiVersion: ${execApiVersion} in users[].user.exec`,
    );
  }
  const { cluster } = spec;
  if (cluster === undefined) {
    throw new PluginError(
      "missing ExecCredential.Spec.Cluster: set provideClusterInfo: true in users[].user.exec",
    );
  }
  checkServer(cluster.server, cluster["insecure-skip-tls-verify"] === true);
  return { clusterName: clusterNameIn(cluster.config) };
}

function checkServer(server = "", isUnverified: boolean): void {
  if (server.trim() === "" || server === "null") {
    throw new PluginError("missing ExecCredential.Spec.Cluster.Server");
  }
  if (URL.canParse(server) && new URL(server).protocol === "https:" && !isUnverified) return;
  throw new PluginError(
    `refusing to give a token for ${server}: it needs https and a verified certificate`,
  );
}

function clusterNameIn(config: unknown): string {
  const field = "ExecCredential.Spec.Cluster.Config";
  const hint =
    "the cluster of the kubeconfig needs the extension client.authentication.k8s.io/exec of the ClusterProfile's access provider";
  if (config === undefined || config === null) throw new PluginError(`missing ${field}: ${hint}`);
  const parsed = z.looseObject({ clusterName: z.string().optional() }).safeParse(config);
  if (!parsed.success) throw new PluginError(`invalid ${field}: ${hint}`);
  const { clusterName = "" } = parsed.data;
  if (clusterName === "") throw new PluginError(`missing clusterName in ${field}: ${hint}`);
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(clusterName)) {
    throw new PluginError(`invalid clusterName in ${field}: ${JSON.stringify(clusterName)}`);
  }
  return clusterName;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
