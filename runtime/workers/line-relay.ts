import type { Readable, Writable } from "node:stream";

const newline = 0x0a;

/** Passes on what comes in whole lines, so that lines of several sources never mix. */
export function relayLines(from: Readable, to: Pick<Writable, "write">): void {
  let begun: readonly Buffer[] = [];
  from.on("data", (chunk: Buffer) => {
    const end = chunk.lastIndexOf(newline) + 1;
    if (end === 0) {
      begun = [...begun, chunk];
      return;
    }
    to.write(Buffer.concat([...begun, chunk.subarray(0, end)]));
    begun = end < chunk.length ? [chunk.subarray(end)] : [];
  });
  // Whoever dies in the middle of a line has it ended.
  from.on("end", () => {
    if (begun.length > 0) to.write(Buffer.concat([...begun, Buffer.from("\n")]));
  });
}
