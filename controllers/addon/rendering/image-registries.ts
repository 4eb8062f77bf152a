import * as z from "zod";
import { type ManagedCluster, ocmAnnotations } from "#api";
import { TerminalError } from "#runtime";

/** Where images are to be pulled from instead. */
export interface Registry {
  /** Prefix of images that this is about; empty for all images. */
  readonly source: string;
  readonly mirror: string;
}

const annotation = z.object({
  registries: z.array(z.object({ source: z.string().default(""), mirror: z.string() })).default([]),
});

/** The mirrors that the hub's administrator gave one cluster. Throws when they cannot be read. */
export function clusterRegistries({ metadata }: ManagedCluster): readonly Registry[] {
  const text = metadata.annotations?.[ocmAnnotations.imageRegistries];
  if (text === undefined || text === "") return [];
  try {
    return annotation.parse(JSON.parse(text)).registries;
  } catch (error) {
    throw new TerminalError(
      `Cannot read annotation ${ocmAnnotations.imageRegistries} of cluster ${metadata.name}`,
      { cause: error },
    );
  }
}

/** The image as it is pulled: the last mirror whose source matches counts. */
export function mirroredImage(image: string, registries: readonly Registry[]): string {
  const match = registries.findLast(({ source }) => source === "" || image.startsWith(source));
  if (match === undefined) return image;
  const mirror = match.mirror.replace(/\/+$/, "");
  if (match.source === "") return `${mirror}/${image.slice(image.lastIndexOf("/") + 1)}`;
  return `${mirror}${image.slice(match.source.replace(/\/+$/, "").length)}`;
}
