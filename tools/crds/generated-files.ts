import { crdYaml } from "./custom-resource-definition.ts";
import { kindDefinitions } from "./definitions.ts";

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
