import type { ClusterGateway, ClusterGatewayLayout, KubeObject, VirtualCluster } from "#api";

import { ageOf } from "./age.ts";

interface Column {
  readonly name: string;
  readonly type: "string" | "boolean" | "dateTime" | "date";
  readonly format?: "name";
  readonly description: string;
  /** 0 is always shown, 1 in wide output. */
  readonly priority: number;
}

interface ColumnOf<Item> extends Column {
  readonly cell: (item: Item) => string | boolean | null;
}

function column<Item>(
  name: string,
  description: string,
  cell: ColumnOf<Item>["cell"],
  rest: Partial<Column> = {},
): ColumnOf<Item> {
  return { name, type: "string", description, priority: 0, cell, ...rest };
}

const created = ({ metadata }: KubeObject) => metadata.creationTimestamp ?? null;
const wide = { priority: 1 };

/** What is known of a cluster at the moment, beside the object: this replica's own view. */
export interface ClusterLive {
  /** Connections through the tunnel that are open; `undefined` for clusters that need none. */
  tunnels(name: string): number | undefined;
  /** How long the last answers took to begin, in milliseconds. */
  latencyMs(name: string): number | undefined;
  credentialExpiry(name: string): Date | undefined;
}

const none = "<none>";

/** Columns of `kubectl get clustergateway`: upstream's, and what the gateway knows besides. */
export function clusterGatewayColumns(
  live: ClusterLive,
  { hasProvider }: Pick<ClusterGatewayLayout, "hasProvider">,
  now: () => Date = () => new Date(),
): readonly ColumnOf<ClusterGateway>[] {
  const provider = column<ClusterGateway>(
    "Provider",
    "Vendor of the cluster.",
    ({ spec }) => spec.provider ?? "",
  );
  return [
    column("Name", "Name of the cluster.", ({ metadata }) => metadata.name, { format: "name" }),
    ...(hasProvider ? [provider] : []),
    column(
      "Credential-Type",
      "How the gateway proves who it is.",
      ({ spec }) => spec.access.credential?.type ?? none,
    ),
    column(
      "Endpoint-Type",
      "How the gateway reaches the cluster.",
      ({ spec }) => spec.access.endpoint.type,
    ),
    column("Healthy", "Verdict of the last probe.", ({ status }) => String(status.healthy)),
    column(
      "Tunnels",
      "Connections through the tunnel that the answering gateway holds open.",
      ({ metadata }) => String(live.tunnels(metadata.name) ?? none),
      wide,
    ),
    column(
      "Latency",
      "How long the cluster's last answers took to begin, seen by the answering gateway.",
      ({ metadata }) => milliseconds(live.latencyMs(metadata.name)),
      wide,
    ),
    column(
      "Token-Expires",
      "When the credential ends.",
      ({ metadata }) => live.credentialExpiry(metadata.name)?.toISOString().slice(0, 19) ?? none,
      wide,
    ),
    column(
      "Age",
      "How long ago the cluster was added.",
      ({ metadata }) => ageOf(metadata.creationTimestamp, now()),
      { ...wide, type: "date" },
    ),
  ];
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? none : `${value < 10 ? value.toFixed(1) : Math.round(value)}ms`;
}

/** Columns of `kubectl get virtualcluster`. */
export const virtualClusterColumns: readonly ColumnOf<VirtualCluster>[] = [
  column("Name", "Name of the cluster.", ({ metadata }) => metadata.name, { format: "name" }),
  column("Alias", "A second name.", ({ spec }) => spec.alias ?? ""),
  column(
    "Credential_Type",
    "Where the way in comes from.",
    ({ spec }) => spec["credential-type"] ?? "",
  ),
  column("Endpoint", "Where it is.", ({ spec }) => spec.endpoint ?? ""),
  column("Accepted", "Whether the hub accepts it.", ({ spec }) => spec.accepted ?? false, {
    type: "boolean",
  }),
  column("Labels", "Labels of the cluster.", ({ metadata }) => labelsOf(metadata.labels)),
  column("Creation_Timestamp", "When it was added.", created, { type: "dateTime", priority: 10 }),
];

/** How much of each object a Table carries beside its cells. */
export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableOptions {
  readonly apiVersion: string;
  readonly includeObject: IncludeObject;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Whether the columns are described, as all but the later events of a watch do. */
  readonly isDescribed: boolean;
}

/** Objects as a `Table` of meta.k8s.io. */
export function tableOf<Item extends KubeObject>(
  items: readonly Item[],
  columns: readonly ColumnOf<Item>[],
  { apiVersion, includeObject, metadata, isDescribed }: TableOptions,
): unknown {
  const definitions = columns.map(({ cell: _cell, format = "", ...rest }) => ({ ...rest, format }));
  return {
    kind: "Table",
    apiVersion,
    metadata,
    columnDefinitions: isDescribed ? definitions : null,
    rows: items.map((item) => ({
      cells: columns.map(({ cell }) => cell(item)),
      ...(includeObject === "None" ? {} : { object: included(item, includeObject, apiVersion) }),
    })),
  };
}

function included(item: KubeObject, include: IncludeObject, apiVersion: string): unknown {
  return include === "Object" ? item : metadataOnly(item, apiVersion);
}

/** An object without its spec and status. */
export function metadataOnly({ metadata }: KubeObject, apiVersion: string): unknown {
  return { kind: "PartialObjectMetadata", apiVersion, metadata };
}

function labelsOf(labels: Readonly<Record<string, string>> = {}): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",");
}
