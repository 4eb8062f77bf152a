import type { ClusterGateway } from "#api";
import { type FieldFault, GatewayError } from "../answers/gateway-error.ts";
import { isNewer } from "../clusters/convert.ts";
import { type ObjectTest, parseSelectors } from "./selector.ts";

/** How a client wants a list or a watch of ClusterGateways. */
export interface ListOptions {
  readonly isSelected: ObjectTest;
  /** False when nothing selects, so that all objects count. */
  readonly hasSelector: boolean;
  /** Empty when the client named none. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: "" | "Exact" | "NotOlderThan";
  /** 0 for no limit. */
  readonly limit: number;
  readonly continue: string;
  readonly isWatch: boolean;
  readonly sendInitialEvents: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

/**
 * Reads and checks a query as API servers do. Throws a GatewayError `bad_request` or `invalid`:
 * what was not understood must not be answered with something else.
 */
export function parseListOptions(query: URLSearchParams, isWatch: boolean): ListOptions {
  const match = query.get("resourceVersionMatch") ?? "";
  const options: ListOptions = {
    isSelected: parseSelectors(query),
    hasSelector: (query.get("labelSelector") ?? "") + (query.get("fieldSelector") ?? "") !== "",
    resourceVersion: versionOf(query),
    resourceVersionMatch: match === "Exact" || match === "NotOlderThan" ? match : "",
    limit: numberOf(query, "limit") ?? 0,
    continue: query.get("continue") ?? "",
    isWatch,
    sendInitialEvents: booleanOf(query, "sendInitialEvents"),
    allowWatchBookmarks: booleanOf(query, "allowWatchBookmarks"),
    timeoutSeconds: numberOf(query, "timeoutSeconds"),
  };
  const faults = faultsOf(options, match, query.has("sendInitialEvents"));
  if (faults.length === 0) return options;
  throw new GatewayError(
    "invalid",
    `ListOptions.meta.k8s.io "" is invalid: ${faults.map((fault) => `${fault.field}: ${fault.message}`).join(", ")}`,
    { details: { causes: faults } },
  );
}

function faultsOf(options: ListOptions, match: string, asksInitial: boolean): FieldFault[] {
  const faults: FieldFault[] = [];
  const add = (reason: FieldFault["reason"], field: string, message: string) => {
    faults.push({ reason, field, message });
  };
  const { resourceVersion, resourceVersionMatch } = options;
  if (match !== resourceVersionMatch) {
    const supported = 'supported values: "Exact", "NotOlderThan"';
    const message = `Unsupported value: ${JSON.stringify(match)}: ${supported}`;
    add("FieldValueNotSupported", "resourceVersionMatch", message);
  }
  if (options.isWatch) watchFaults(options, asksInitial, add);
  else listFaults(options, asksInitial, add);
  if (resourceVersionMatch === "Exact" && resourceVersion === "0") {
    const message = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
    add("FieldValueForbidden", "resourceVersionMatch", message);
  }
  return faults;
}

type Add = (reason: FieldFault["reason"], field: string, message: string) => void;

function watchFaults(options: ListOptions, asksInitial: boolean, add: Add): void {
  const { resourceVersionMatch } = options;
  if (asksInitial && resourceVersionMatch !== "NotOlderThan") {
    const message =
      "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
    add("FieldValueForbidden", "resourceVersionMatch", message);
  }
  if (!asksInitial && resourceVersionMatch !== "") {
    const message =
      "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
    add("FieldValueForbidden", "resourceVersionMatch", message);
  }
}

function listFaults(options: ListOptions, asksInitial: boolean, add: Add): void {
  const { resourceVersion, resourceVersionMatch } = options;
  if (asksInitial) {
    add(
      "FieldValueForbidden",
      "sendInitialEvents",
      "Forbidden: sendInitialEvents is forbidden for list",
    );
  }
  if (resourceVersionMatch === "") return;
  if (options.continue !== "") {
    const message = "Forbidden: resourceVersionMatch is forbidden with continue";
    add("FieldValueForbidden", "resourceVersionMatch", message);
  } else if (resourceVersion === "") {
    const message =
      "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided";
    add("FieldValueForbidden", "resourceVersionMatch", message);
  }
}

function versionOf(query: URLSearchParams): string {
  const version = query.get("resourceVersion") ?? "";
  if (version === "" || /^\d{1,19}$/.test(version)) return version;
  throw new GatewayError(
    "bad_request",
    `Invalid value: "${version}": resourceVersion is no number`,
  );
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name) ?? "";
  if (value === "") return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new GatewayError("bad_request", `Cannot use ${name} "${value}": expected a number`);
}

function booleanOf(query: URLSearchParams, name: string): boolean {
  const value = query.get(name) ?? "false";
  return !["0", "f", "F", "FALSE", "false", "False"].includes(value);
}

/** How long a list waits for the gateway to learn of a version that it was asked for. */
const catchUpMs = 3000;
const lookMs = 50;

/**
 * Waits until `version()` is not older than what the client has seen, maybe from another replica.
 * Throws a GatewayError `version_too_new` after a while, as API servers do.
 */
export async function untilNotOlder(
  wanted: string,
  version: () => string,
  sleep: (ms: number) => Promise<unknown>,
): Promise<void> {
  for (let waited = 0; isNewer(wanted, version()); waited += lookMs) {
    if (waited >= catchUpMs) {
      const message = "Too large resource version";
      throw new GatewayError("version_too_new", `${message}: ${wanted}, current: ${version()}`, {
        details: { causes: [{ reason: "ResourceVersionTooLarge", message }] },
      });
    }
    await sleep(lookMs);
  }
}

/** The objects that a selector lets pass. */
export function selected(
  items: readonly ClusterGateway[],
  { isSelected }: Pick<ListOptions, "isSelected">,
): readonly ClusterGateway[] {
  return items.filter(({ metadata }) => isSelected(metadata));
}
