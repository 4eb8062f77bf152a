import * as z from "zod";
import {
  type ClusterGatewayConfiguration,
  clusterGatewayConfiguration,
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
