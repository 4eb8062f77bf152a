import * as z from "zod";
import { type KubeObject, type ManagedProxyConfiguration, managedProxyConfiguration } from "#api";
import { TerminalError } from "#runtime";

/** Reads a configuration. Throws a `TerminalError` that names the fields that cannot be used. */
export function parseConfiguration(object: KubeObject): ManagedProxyConfiguration {
  const parsed = managedProxyConfiguration.safeParse(object);
  if (parsed.success) return parsed.data;
  throw new TerminalError(
    `Cannot use ManagedProxyConfiguration ${object.metadata.name}: ${z.prettifyError(parsed.error)}`,
  );
}
