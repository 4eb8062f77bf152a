import { delimiter, join } from "node:path";
import type { KubeClientOptions } from "#kube";
import { PluginError } from "./plugin-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line says of the hub; empty where it says nothing. */
export interface HubFlags {
  readonly kubeconfig: string;
  readonly context: string;
}

/** Where the program runs. */
export interface Place {
  readonly environment: Environment;
  /** The user's home directory. */
  readonly home: string;
  /** Whether there is a pod's service account. */
  readonly isInPod: boolean;
}

/** Set in the environment of whatever this program starts. */
const runningVariable = "SPOKEWAY_CP_CREDS";

/**
 * Where the hub is: as the flags say, else as the pod does, else `$KUBECONFIG`, else
 * `~/.kube/config`. Throws a PluginError when that cannot be the hub.
 */
export function hubAccessOf(
  { kubeconfig, context }: HubFlags,
  { environment, home, isInPod }: Place,
): Pick<KubeClientOptions, "kubeconfig" | "context" | "environment"> {
  if (environment[runningVariable] !== undefined) {
    throw new PluginError(
      "called by itself: the kubeconfig that it reads for the hub is that of the managed cluster. Name the hub's with --kubeconfig, or its context with --context",
    );
  }
  const named = { context: context || undefined, environment };
  if (kubeconfig !== "") return { ...named, kubeconfig };
  if (isInPod && context === "") return { environment };
  return { ...named, kubeconfig: userKubeconfig(environment, home) };
}

function userKubeconfig(environment: Environment, home: string): string {
  const files = (environment["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  const [first = join(home, ".kube", "config"), ...others] = files;
  if (others.length === 0) return first;
  throw new PluginError(
    `KUBECONFIG names ${files.length} files: name the hub's with --kubeconfig in the args of users[].user.exec`,
  );
}
