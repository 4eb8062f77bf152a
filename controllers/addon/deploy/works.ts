import type { Manifest, ManifestWork } from "#api";
import { canonicalJson } from "../../canonical-json.ts";

/** Most bytes of manifests in one ManifestWork; the API server refuses works above 500 KiB. */
export const maxWorkBytes = 409_600;

/** The manifests of one ManifestWork. */
export interface WorkContent {
  readonly name: string;
  readonly manifests: readonly Manifest[];
}

/** A new one does not push a placed one out, so that updates touch as few works as they can. */
interface Bin {
  readonly index: number;
  readonly manifests: Manifest[];
  bytes: number;
}

/**
 * Distributes manifests over ManifestWorks named `<prefix><number>`. What a work holds already
 * stays in it while there is room; new manifests go where the most room is, largest first. A work
 * that is not in the answer has nothing left to hold.
 */
export function splitIntoWorks(
  prefix: string,
  manifests: readonly Manifest[],
  observed: readonly ManifestWork[],
  maxBytes: number = maxWorkBytes,
): readonly WorkContent[] {
  const homes = homesOf(prefix, observed);
  const bins = new Map<number, Bin>();
  const homeless: Manifest[] = [];
  for (const manifest of manifests) {
    const home = homes.get(identityOf(manifest));
    if (home === undefined || !place(binOf(bins, home), manifest, maxBytes))
      homeless.push(manifest);
  }
  for (const manifest of homeless.toSorted((a, b) => sizeOf(b) - sizeOf(a))) {
    const roomiest = [...bins.values()].toSorted((a, b) => a.bytes - b.bytes)[0];
    if (roomiest !== undefined && place(roomiest, manifest, maxBytes)) continue;
    // Even a manifest that is too large for any work is sent: the API server says so best.
    place(binOf(bins, freeIndex(bins)), manifest, Number.POSITIVE_INFINITY);
  }
  return [...bins.values()]
    .filter((bin) => bin.manifests.length > 0)
    .toSorted((a, b) => a.index - b.index)
    .map((bin) => ({
      name: `${prefix}${bin.index}`,
      manifests: manifests.filter((manifest) => bin.manifests.includes(manifest)),
    }));
}

/** What a manifest is about, whatever its content. */
export function identityOf({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes("/") ? apiVersion.split("/", 1)[0] : "";
  return `${group}/${kind}/${metadata.namespace ?? ""}/${metadata.name}`;
}

function homesOf(prefix: string, observed: readonly ManifestWork[]): ReadonlyMap<string, number> {
  const homes = new Map<string, number>();
  for (const work of observed) {
    const index = Number(work.metadata.name.slice(prefix.length));
    if (!work.metadata.name.startsWith(prefix) || !Number.isInteger(index)) continue;
    for (const manifest of work.spec.workload.manifests ?? [])
      homes.set(identityOf(manifest), index);
  }
  return homes;
}

function binOf(bins: Map<number, Bin>, index: number): Bin {
  const bin = bins.get(index) ?? { index, manifests: [], bytes: 0 };
  bins.set(index, bin);
  return bin;
}

function freeIndex(bins: ReadonlyMap<number, Bin>): number {
  let index = 0;
  while (bins.has(index)) index += 1;
  return index;
}

function place(bin: Bin, manifest: Manifest, maxBytes: number): boolean {
  const bytes = sizeOf(manifest);
  if (bin.manifests.length > 0 && bin.bytes + bytes > maxBytes) return false;
  bin.manifests.push(manifest);
  bin.bytes += bytes;
  return true;
}

function sizeOf(manifest: Manifest): number {
  return Buffer.byteLength(canonicalJson(manifest));
}
