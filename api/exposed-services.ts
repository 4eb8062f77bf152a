import { parse as parseYaml } from "yaml";
import * as z from "zod";

/** The ConfigMap, of this name unless told otherwise, that lists the services to be reached. */
export const exposedServicesConfigMap = "cluster-proxy-exposed-services";

const port = z.union([z.string().regex(/^\d{1,5}$/), z.int().min(1).max(65_535)]);

const exposedService = z.strictObject({
  namespace: z.string().min(1),
  service: z.string().min(1),
  /** Any when left out. */
  port: port.transform(String).optional(),
  /** Any when left out. */
  protocol: z.enum(["http", "https"]).optional(),
});
export type ExposedService = z.infer<typeof exposedService>;

/** A port of a Service of a managed cluster, and how it is spoken to. */
export interface ServiceTarget {
  readonly scheme: "http" | "https";
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** A list of services that cannot be used; the message names the key and the fault. */
export class ExposedServicesError extends Error {
  override readonly name = "ExposedServicesError";
}

/**
 * Reads the services that a ConfigMap's keys list, each key a YAML list of its own. Throws an
 * ExposedServicesError for a key that is none: of half a list nobody knows what it was to allow.
 */
export function parseExposedServices(
  data: Readonly<Record<string, string>>,
): readonly ExposedService[] {
  return Object.entries(data).flatMap(([key, text]) => parseList(key, text));
}

function parseList(key: string, text: string): readonly ExposedService[] {
  const parsed = z.array(exposedService).safeParse(readYaml(key, text) ?? []);
  if (parsed.success) return parsed.data;
  throw new ExposedServicesError(
    `Cannot use exposed services in ${key}: ${z.prettifyError(parsed.error)}`,
  );
}

function readYaml(key: string, text: string): unknown {
  try {
    return parseYaml(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExposedServicesError(`Cannot use exposed services in ${key}: ${why}`, { cause });
  }
}

/** Whether a list has this service. What it does not have, nobody may reach. */
export function isExposed(
  services: readonly ExposedService[],
  { namespace, name, port: number, scheme }: ServiceTarget,
): boolean {
  return services.some(
    (listed) =>
      listed.namespace === namespace &&
      listed.service === name &&
      (listed.port ?? String(number)) === String(number) &&
      (listed.protocol ?? scheme) === scheme,
  );
}
