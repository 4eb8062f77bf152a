import type { ServedApi } from "./served-api.ts";

interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
}

const readVerbs = ["get", "list", "watch"];
const allVerbs = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** What the group serves: upstream's resources and verbs, and those that upstream lacks. */
const resourcesOf = ({
  layout: { clusterGateways, virtualClusters },
  isWritable,
}: ServedApi): readonly ApiResource[] => [
  {
    name: "clustergateways",
    singularName: "clustergateway",
    kind: clusterGateways.kind,
    verbs: isWritable ? allVerbs : readVerbs,
  },
  {
    name: "clustergateways/health",
    singularName: "",
    kind: clusterGateways.kind,
    verbs: ["get", "patch", "update"],
  },
  {
    name: "clustergateways/proxy",
    singularName: "",
    kind: "ClusterGatewayProxyOptions",
    verbs: ["create", "delete", "get", "patch", "update"],
  },
  ...(virtualClusters === undefined
    ? []
    : [
        {
          name: "virtualclusters",
          singularName: "virtualcluster",
          kind: virtualClusters.kind,
          verbs: ["get", "list"],
          shortNames: ["vc", "vcluster", "vclusters", "virtual-cluster", "virtual-clusters"],
        },
      ]),
];

/** `/apis/<group>/<version>`. */
export function resourceList(served: ServedApi): unknown {
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: served.layout.apiVersion,
    resources: resourcesOf(served).map((resource) =>
      Object.assign({ namespaced: false }, resource),
    ),
  };
}

/** `/apis/<group>`. */
export function apiGroup({
  layout: { group, version, apiVersion: groupVersion },
}: Pick<ServedApi, "layout">): unknown {
  const served = { groupVersion, version };
  return {
    kind: "APIGroup",
    apiVersion: "v1",
    name: group,
    versions: [served],
    preferredVersion: served,
  };
}

/** `/apis` in its plain form. */
export function groupList(served: Pick<ServedApi, "layout">): unknown {
  return { kind: "APIGroupList", apiVersion: "v1", groups: [apiGroup(served)] };
}

/** `/`. */
export function index({ layout }: Pick<ServedApi, "layout">): unknown {
  const paths = [
    "/apis",
    `/apis/${layout.group}`,
    `/apis/${layout.apiVersion}`,
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
  ];
  return { paths };
}

/** `/apis` in its aggregated form, which saves the hub a request for each group. */
export function aggregatedDiscovery(documentVersion: "v2" | "v2beta1", served: ServedApi): unknown {
  const { group, version } = served.layout;
  const resources = resourcesOf(served);
  const isSubresource = ({ name }: ApiResource) => name.includes("/");
  const own = resources.filter((resource) => !isSubresource(resource));
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${documentVersion}`,
    metadata: {},
    items: [
      {
        metadata: { name: group, creationTimestamp: null },
        versions: [
          {
            version,
            freshness: "Current",
            resources: own.map((resource) => resourceDiscovery(resource, resources, served)),
          },
        ],
      },
    ],
  };
}

function resourceDiscovery(
  { name, singularName, verbs, shortNames, kind }: ApiResource,
  resources: readonly ApiResource[],
  { layout: { group, version } }: ServedApi,
): unknown {
  const subresources = resources.filter((other) => other.name.startsWith(`${name}/`));
  return {
    resource: name,
    responseKind: { group, version, kind },
    scope: "Cluster",
    singularResource: singularName,
    verbs,
    ...(shortNames === undefined ? {} : { shortNames }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((subresource) => ({
            subresource: subresource.name.slice(name.length + 1),
            responseKind: { group, version, kind: subresource.kind },
            verbs: subresource.verbs,
          })),
        }),
  };
}

/** The aggregated form that an Accept field asks for first, if it asks for one before plain JSON. */
export function aggregatedVersion(accept: string): "v2" | "v2beta1" | undefined {
  for (const range of accept.split(",")) {
    const parts = new Set(range.split(";").map((part) => part.trim().toLowerCase()));
    if (!parts.has("application/json")) continue;
    if (!parts.has("as=apigroupdiscoverylist") || !parts.has("g=apidiscovery.k8s.io")) return;
    if (parts.has("v=v2")) return "v2";
    if (parts.has("v=v2beta1")) return "v2beta1";
  }
  return undefined;
}
