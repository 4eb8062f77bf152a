import type { ResourceType } from "#api";
import { ignoreNotFound } from "./api-error.ts";
import type { KubeClient } from "./client.ts";

/** True when the server serves the kind at that version. */
export async function isServed(
  client: KubeClient,
  { group, version, plural }: Pick<ResourceType, "group" | "version" | "plural">,
  signal: AbortSignal,
): Promise<boolean> {
  const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const found = (await ignoreNotFound(client.rawJson(path, signal))) as
    | { readonly resources?: readonly { readonly name: string }[] }
    | undefined;
  return found?.resources?.some(({ name }) => name === plural) ?? false;
}

/**
 * The first of the versions that the server serves of one kind. Throws when it serves none, with a
 * message that names them.
 */
export async function firstServed<Type extends ResourceType>(
  client: KubeClient,
  types: readonly Type[],
  signal: AbortSignal,
): Promise<Type> {
  for (const type of types) {
    if (await isServed(client, type, signal)) return type;
  }
  const names = types.map(({ plural, group, version }) => `${plural}.${group}/${version}`);
  throw new Error(
    `Cannot find ${names.join(" or ")} on ${client.access.server}: CRD not installed`,
  );
}
