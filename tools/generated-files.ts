import { managedProxyConfigurationSpec } from "#api";
import { chartNames, valuesSchemaJson } from "./charts/value-schemas.ts";
import { crdYaml } from "./crds/custom-resource-definition.ts";
import { kindDefinitions } from "./crds/definitions.ts";
import { structuralSchema } from "./crds/structural-schema.ts";
import { fieldList, withFieldList } from "./docs/field-list.ts";

/** One file that is made from sources and committed. */
export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly content: string;
}

/** Every CRD, in `manifests/crds/` and in the chart that installs it. */
export function generatedCrds(): readonly GeneratedFile[] {
  return kindDefinitions.flatMap((definition) => {
    const content = crdYaml(definition);
    const file = `${definition.resource.plural}.yaml`;
    return [
      { path: `manifests/crds/${file}`, content },
      { path: `helm/${definition.chart}/crds/${file}`, content },
    ];
  });
}

/** Documents whose lists of fields are made from the CRDs. */
export function generatedDocs(): readonly GeneratedFile[] {
  const path = "docs/managed-proxy-configuration.md";
  const list = fieldList(structuralSchema(managedProxyConfigurationSpec), "spec");
  return [{ path, content: withFieldList(new URL(`../${path}`, import.meta.url), list) }];
}

/** The schema of each chart's values. */
export function generatedValueSchemas(): readonly GeneratedFile[] {
  return chartNames.map((chart) => ({
    path: `helm/${chart}/values.schema.json`,
    content: valuesSchemaJson(chart),
  }));
}
