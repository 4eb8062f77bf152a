import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as fc from "fast-check";
import { silentLogger } from "#runtime";
import { makeAuthority, type TestPair } from "#testing";
import type { Cluster, ExecConfig } from "../clusters/cluster.ts";
import { createExecCredentials, programOf } from "./exec-credentials.ts";
import { ExecOutputError, readExecOutput } from "./exec-output.ts";
import { CommandError, runCommand } from "./run-command.ts";

const apiVersion = "client.authentication.k8s.io/v1";
const config: ExecConfig = { apiVersion, command: "plugin", args: [], env: [] };
const cluster: Cluster = {
  name: "a",
  credentialType: "Dynamic",
  credential: { kind: "exec", exec: config },
  endpoint: { kind: "tunnel", ca: "CA" },
  isHealthy: true,
  healthyReason: undefined,
  connectionFingerprint: "",
};

let pair: TestPair;
before(async () => {
  pair = await (await makeAuthority()).client("a");
});

const outputOf = (status: unknown, rest = {}) =>
  JSON.stringify({ apiVersion, kind: "ExecCredential", status, ...rest });

describe("readExecOutput()", () => {
  it("takes a token, a pair, and an end", () => {
    const expirationTimestamp = "2026-01-01T00:00:00Z";
    assert.deepEqual(readExecOutput(outputOf({ token: "t", expirationTimestamp }), config), {
      credential: { kind: "token", token: "t" },
      expiresAt: new Date(expirationTimestamp),
    });
    const { cert, key } = pair;
    const given = outputOf({ clientCertificateData: cert, clientKeyData: key });
    assert.deepEqual(readExecOutput(given, config), {
      credential: { kind: "certificate", cert, key },
      expiresAt: undefined,
    });
  });

  const refused: Readonly<Record<string, readonly [output: string, says: RegExp]>> = {
    "no JSON": ["SECRET", /^decoding stdout/],
    "no object": ["[]", /^decoding stdout/],
    "another kind": [outputOf({ token: "t" }, { kind: "Pod" }), /^decoding stdout/],
    "another version": [
      outputOf({ token: "t" }, { apiVersion: "client.authentication.k8s.io/v1beta1" }),
      /configured to use API version .*v1, plugin returned another/,
    ],
    "no status": [outputOf(undefined), /didn't return a status field/],
    "an empty status": [outputOf({}), /didn't return a token or cert\/key pair/],
    "half a pair": [outputOf({ clientCertificateData: "x" }), /certificate or key, not both/],
    "a token with a line break": [outputOf({ token: "a\nb" }), /character that no token has/],
    "an end that is no time": [
      outputOf({ token: "t", expirationTimestamp: "soon" }),
      /expirationTimestamp that is no time/,
    ],
  };
  for (const [name, [output, says]] of Object.entries(refused)) {
    it(`refuses ${name}, and does not quote it`, () => {
      assert.throws(
        () => readExecOutput(output, config),
        (error: Error) =>
          error instanceof ExecOutputError &&
          says.test(error.message) &&
          !/SECRET/.test(error.message),
      );
    });
  }

  it("ends for every output in a credential or an ExecOutputError", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (output) => {
        try {
          readExecOutput(output, config);
        } catch (error) {
          assert.ok(error instanceof ExecOutputError, String(error));
        }
      }),
    );
  });
});

describe("programOf()", () => {
  const policy = { allowedCommands: ["/bin/plugin"], allowedVariables: ["AWS_PROFILE"] };
  const cases: Readonly<Record<string, readonly [Partial<ExecConfig>, want: string | RegExp]>> = {
    "by its name": [{}, "/bin/plugin"],
    "by its path": [{ command: "/bin/plugin" }, "/bin/plugin"],
    "with a variable that is allowed": [
      { env: [{ name: "AWS_PROFILE", value: "x" }] },
      "/bin/plugin",
    ],
    "not by another path": [{ command: "/tmp/plugin" }, /command .* is not allowed/],
    "not by a way around": [{ command: "/bin/../bin/plugin" }, /command .* is not allowed/],
    "not by a relative path": [{ command: "./plugin" }, /command .* is not allowed/],
    "not another one": [{ command: "sh" }, /command .* is not allowed/],
    "not with a variable that could run code": [
      { env: [{ name: "LD_PRELOAD", value: "/tmp/x.so" }] },
      /variable LD_PRELOAD .* is not allowed/,
    ],
  };
  for (const [name, [given, want]] of Object.entries(cases)) {
    it(`finds a program ${name}`, () => {
      const found = () => programOf("a", { ...config, ...given }, policy);
      if (typeof want === "string") assert.equal(found(), want);
      else assert.throws(found, want);
    });
  }

  it("allows nothing unless told otherwise", () => {
    const nothing = { allowedCommands: [], allowedVariables: [] };
    fc.assert(
      fc.property(fc.string(), (command) => {
        assert.throws(() => programOf("a", { ...config, command }, nothing), {
          code: "cluster_unusable",
        });
      }),
    );
  });
});

describe("createExecCredentials()", () => {
  /** Credentials whose command answers as told, at a time that a test sets. */
  function makeCredentials(answers: readonly (string | Error)[]) {
    const state = { runs: 0, nowMs: 0 };
    const credentials = createExecCredentials({
      policy: { allowedCommands: ["/bin/plugin"], allowedVariables: [] },
      log: silentLogger,
      now: () => state.nowMs,
      run: async () => {
        const answer = answers[state.runs] ?? new Error("not again");
        state.runs += 1;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
    return { credentials, state };
  }
  const until = (ms: number, token: string) =>
    outputOf({ token, expirationTimestamp: new Date(ms).toISOString() });

  it("runs the command once for all that wait, and again in the last minute", async () => {
    const { credentials, state } = makeCredentials([
      until(600_000, "one"),
      until(1_200_000, "two"),
    ]);
    const all = await Promise.all([1, 2, 3].map(async () => credentials.of(cluster, config)));
    assert.deepEqual([all.length, state.runs], [3, 1]);
    state.nowMs = 539_000;
    assert.deepEqual(credentials.of(cluster, config), { kind: "token", token: "one" });
    state.nowMs = 541_000;
    assert.deepEqual(await credentials.of(cluster, config), { kind: "token", token: "two" });
  });

  it("keeps one without an end for a minute", async () => {
    const { credentials, state } = makeCredentials([
      outputOf({ token: "a" }),
      outputOf({ token: "b" }),
    ]);
    await credentials.of(cluster, config);
    state.nowMs = 59_000;
    await credentials.of(cluster, config);
    assert.equal(state.runs, 1);
    state.nowMs = 61_000;
    assert.deepEqual(await credentials.of(cluster, config), { kind: "token", token: "b" });
  });

  it("does not run a command that failed for every request, and runs it when the Secret changes", async () => {
    const { credentials, state } = makeCredentials([new Error("no"), outputOf({ token: "t" })]);
    const ask = async (exec = config) => credentials.of(cluster, exec);
    await assert.rejects(ask(), { code: "cluster_not_ready" });
    await assert.rejects(ask(), { code: "cluster_not_ready" });
    assert.equal(state.runs, 1);
    assert.deepEqual(await ask({ ...config, args: ["other"] }), { kind: "token", token: "t" });
  });
});

describe("runCommand()", () => {
  const program = process.execPath;
  const run = async (script: string, rest = {}) =>
    runCommand({ program, config: { ...config, args: ["-e", script] }, ...rest });

  it("gives the program a clean environment, what the Secret sets, and no shell", async () => {
    const env = [{ name: "MINE", value: "$HOME; x" }];
    const script = "console.log(JSON.stringify(process.env))";
    const output = await runCommand({ program, config: { ...config, args: ["-e", script], env } });
    const seen = JSON.parse(output) as Record<string, string>;
    assert.deepEqual(Object.keys(seen).toSorted(), [
      "HOME",
      "KUBERNETES_EXEC_INFO",
      "MINE",
      "PATH",
    ]);
    assert.equal(seen["MINE"], "$HOME; x");
    assert.equal(JSON.parse(seen["KUBERNETES_EXEC_INFO"] ?? "").apiVersion, apiVersion);
  });

  const failures: Readonly<Record<string, readonly [script: string, says: RegExp, rest?: object]>> =
    {
      "that fails": ["process.exit(1)", /executable .*node failed with exit code 1$/],
      "that says too much": [
        "for (;;) require('fs').writeSync(1, 'x'.repeat(65536))",
        /wrote more than 1048576 bytes/,
      ],
      "that does not end": [
        "setInterval(() => 0, 1000)",
        /did not end in 200 ms/,
        { timeoutMs: 200 },
      ],
    };
  for (const [name, [script, says, rest]] of Object.entries(failures)) {
    it(`gives up a program ${name}`, async () => {
      await assert.rejects(run(script, rest), (error: Error) => {
        assert.ok(error instanceof CommandError);
        assert.match(error.message, says);
        return true;
      });
    });
  }

  it("names a program that is not there", async () => {
    await assert.rejects(runCommand({ program: "/nowhere/plugin", config }), /plugin not found$/);
  });
});
