import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runAll } from "#runtime";
import { eventually, makeAuthority, type TestPair } from "#testing";
import { loadTlsFiles } from "./tls-source.ts";

describe("loadTlsFiles()", () => {
  let directory = "";
  let pairs: readonly [TestPair, TestPair];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "spokeway-tls-"));
    const authority = await makeAuthority();
    pairs = [await authority.client("one"), await authority.client("two")];
  });
  after(() => rm(directory, { recursive: true }));

  const files = () => ({
    certFile: join(directory, "tls.crt"),
    keyFile: join(directory, "tls.key"),
  });
  const write = async (cert: string, key: string) => {
    await writeFile(files().certFile, cert);
    await writeFile(files().keyFile, key);
  };

  it("keeps the old pair while certificate and key do not fit, and takes the next that does", async () => {
    const [one, two] = pairs;
    await write(one.cert, one.key);
    let refusals = 0;
    const options = { intervalMs: 5, onRefused: () => (refusals += 1) };
    const source = await loadTlsFiles(files(), options);
    const stop = new AbortController();
    const running = runAll([source], stop.signal);
    const changes: string[] = [];
    source.onChange(({ cert }) => changes.push(String(cert)));
    await write(two.cert, one.key);
    await eventually(() => refusals > 0, "it has looked");
    assert.equal(String(source.current.cert), one.cert);
    await write(two.cert, two.key);
    await eventually(() => changes.length > 0, "it has changed");
    assert.deepEqual([changes, String(source.current.key)], [[two.cert], two.key]);
    stop.abort();
    await running;
  });

  it("throws at once when they do not fit, and names the files", async () => {
    await write(pairs[0].cert, pairs[1].key);
    await assert.rejects(loadTlsFiles(files()), /tls\.crt, .*tls\.key/);
  });

  it("does without what is not given", async () => {
    const source = await loadTlsFiles({ caFile: "", certFile: "" });
    assert.deepEqual(source.current, {});
  });
});
