import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
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
  /** Never half of it, as nobody else writes them. */
  const replace = async (path: string, text: string) => {
    await writeFile(`${path}.next`, text);
    await rename(`${path}.next`, path);
  };
  const write = async (cert: string, key: string) => {
    await replace(files().certFile, cert);
    await replace(files().keyFile, key);
  };

  it("keeps the old pair while certificate and key do not fit, and takes the next that does", async (t) => {
    const [one, two] = pairs;
    await write(one.cert, one.key);
    const faults: (string | undefined)[] = [];
    const onFault = (reason: string | undefined) => void faults.push(reason);
    const options = { intervalMs: 5, onFault };
    const source = await loadTlsFiles(files(), options);
    const stop = new AbortController();
    const running = runAll([source], stop.signal);
    t.after(() => {
      stop.abort();
      return running;
    });
    const changes: string[] = [];
    source.onChange(({ cert }) => changes.push(String(cert)));
    await write(two.cert, one.key);
    await eventually(() => faults.length > 0, "it has looked");
    assert.match(String(faults[0]), /tls\.crt, .*tls\.key.*mismatch/);
    assert.equal(String(source.current.cert), one.cert);
    await write(two.cert, two.key);
    await eventually(() => changes.length > 0, "it has changed");
    assert.deepEqual([changes, String(source.current.key)], [[two.cert], two.key]);
    assert.equal(faults.at(-1), undefined);
    await rm(files().keyFile);
    await eventually(() => faults.at(-1) !== undefined, "it misses the key");
    assert.match(String(faults.at(-1)), /ENOENT.*tls\.key/);
    await replace(files().keyFile, two.key);
    await eventually(() => faults.at(-1) === undefined, "it finds the key again");
    assert.equal(String(source.current.key), two.key);
  });

  it("throws at once when they do not fit, and names the files", async () => {
    await write(pairs[0].cert, pairs[1].key);
    await assert.rejects(loadTlsFiles(files()), /tls\.crt, .*tls\.key/);
  });

  for (const text of [
    "",
    "no certificate",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
  ]) {
    it(`throws for a CA bundle of ${JSON.stringify(text.slice(0, 14))}, which Node would take`, async () => {
      const caFile = join(directory, "ca.crt");
      await writeFile(caFile, text);
      await assert.rejects(loadTlsFiles({ caFile }), /ca\.crt holds/);
    });
  }

  it("does without what is not given", async () => {
    const source = await loadTlsFiles({ caFile: "", certFile: "" });
    assert.deepEqual(source.current, {});
  });
});
