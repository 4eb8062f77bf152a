import type { ClusterGateway, KubeObject, VirtualCluster } from "#api";

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

/** Columns of `kubectl get clustergateway`. */
export const clusterGatewayColumns: readonly ColumnOf<ClusterGateway>[] = [
  column("Name", "Name of the cluster.", ({ metadata }) => metadata.name, { format: "name" }),
  column("Provider", "Vendor of the cluster.", ({ spec }) => spec.provider),
  column(
    "Credential-Type",
    "How the gateway proves who it is.",
    ({ spec }) => spec.access.credential?.type ?? "<none>",
  ),
  column(
    "Endpoint-Type",
    "How the gateway reaches the cluster.",
    ({ spec }) => spec.access.endpoint.type,
  ),
  column("Healthy", "Verdict of the last probe.", ({ status }) => String(status.healthy), wide),
  column("Age", "When the cluster was added.", created, { ...wide, type: "date" }),
];

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
  readonly resourceVersion?: string | undefined;
}

/** Objects as a `Table` of meta.k8s.io. */
export function tableOf<Item extends KubeObject>(
  items: readonly Item[],
  columns: readonly ColumnOf<Item>[],
  { apiVersion, includeObject, resourceVersion }: TableOptions,
): unknown {
  return {
    kind: "Table",
    apiVersion,
    metadata: resourceVersion === undefined ? {} : { resourceVersion },
    columnDefinitions: columns.map(({ cell: _cell, format = "", ...rest }) => ({
      ...rest,
      format,
    })),
    rows: items.map((item) => ({
      cells: columns.map(({ cell }) => cell(item)),
      ...(includeObject === "None" ? {} : { object: includedObject(item, includeObject) }),
    })),
  };
}

function includedObject(item: KubeObject, include: IncludeObject): unknown {
  if (include === "Object") return item;
  return {
    kind: "PartialObjectMetadata",
    apiVersion: "meta.k8s.io/v1",
    metadata: item.metadata,
  };
}

function labelsOf(labels: Readonly<Record<string, string>> = {}): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",");
}
