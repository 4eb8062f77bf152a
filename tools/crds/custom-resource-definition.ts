import { stringify } from "yaml";
import type { KindDefinition, VersionDefinition } from "./definitions.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

/** `<plural>.<group>`, the name of a CustomResourceDefinition. */
export function crdName({ resource }: KindDefinition): string {
  return `${resource.plural}.${resource.group}`;
}

/** The CustomResourceDefinition of one of our kinds, as YAML. */
export function crdYaml(definition: KindDefinition): string {
  const { resource, versions } = definition;
  const crd = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: crdName(definition) },
    spec: {
      group: resource.group,
      names: {
        kind: resource.kind,
        listKind: `${resource.kind}List`,
        plural: resource.plural,
        singular: resource.kind.toLowerCase(),
      },
      scope: resource.namespaced ? "Namespaced" : "Cluster",
      versions: versions.map((version, index) => versionOf(definition, version, index === 0)),
    },
  };
  const notice = "# Generated from api/ by `make crds`. Do not edit.\n";
  return notice + stringify(crd, { aliasDuplicateObjects: false, lineWidth: 100 });
}

function versionOf(definition: KindDefinition, version: VersionDefinition, storage: boolean) {
  const { deprecationWarning } = version;
  return {
    name: version.resource.version,
    served: true,
    storage,
    ...(deprecationWarning === undefined ? {} : { deprecated: true, deprecationWarning }),
    subresources: { status: {} },
    additionalPrinterColumns: definition.columns,
    schema: { openAPIV3Schema: rootSchema(definition) },
  };
}

function rootSchema({ schema, description }: KindDefinition): StructuralSchema {
  const { properties, ...root } = structuralSchema(schema);
  const typeMeta = {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
  };
  return { description, ...root, properties: { ...typeMeta, ...(properties as object) } };
}
