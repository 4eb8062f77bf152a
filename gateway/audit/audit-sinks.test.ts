import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { AuditEvent } from "./audit-event.ts";
import { createFileSink } from "./audit-sinks.ts";

function event(auditID: string): AuditEvent {
  return { kind: "Event", auditID, requestURI: "/".repeat(200) } as unknown as AuditEvent;
}

it("an audit file has a line for each event, and is put aside when it has grown", async () => {
  const directory = await mkdtemp(join(tmpdir(), "spokeway-audit-"));
  try {
    const errors: unknown[] = [];
    const sink = createFileSink({
      path: join(directory, "audit.log"),
      maxBytes: 5_000,
      maxFiles: 3,
      onError: (error) => void errors.push(error),
    });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    for (let index = 0; index < 10; index += 1) sink.write(event(String(index)));
    stop.abort();
    await running;
    const [name = ""] = await readdir(directory);
    const lines = (await readFile(join(directory, name), "utf8")).trim().split("\n");
    const ids = lines.map((line) => (JSON.parse(line) as AuditEvent).auditID);
    assert.deepEqual(ids, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert.deepEqual(errors, []);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
