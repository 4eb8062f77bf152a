import * as z from "zod";
import {
  type ClusterGatewayConfiguration,
  type ClusterGatewayLayout,
  clusterGatewayConfiguration,
  clusterGatewayLayouts,
  defaultClusterGatewayLayout,
  type KubeObject,
} from "#api";
import { TerminalError } from "#runtime";

/** Reads a configuration. Throws a `TerminalError` that names the fields that cannot be used. */
export function parseConfiguration(object: KubeObject): ClusterGatewayConfiguration {
  const parsed = clusterGatewayConfiguration.safeParse(object);
  if (parsed.success) return parsed.data;
  throw new TerminalError(
    `Cannot use ClusterGatewayConfiguration ${object.metadata.name}: ${z.prettifyError(parsed.error)}`,
  );
}

/** In which form the gateway of a configuration serves clusters. */
export function layoutOf({
  spec,
}: Pick<ClusterGatewayConfiguration, "spec">): ClusterGatewayLayout {
  return clusterGatewayLayouts[spec.apiGroup];
}

/** The same for one that may be missing or wrong, of which others tell. */
export function presentLayout(object: KubeObject | undefined): ClusterGatewayLayout {
  const parsed = clusterGatewayConfiguration.safeParse(object);
  return parsed.success ? layoutOf(parsed.data) : defaultClusterGatewayLayout;
}
