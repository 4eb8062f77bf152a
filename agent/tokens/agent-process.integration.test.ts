import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findCondition, leases, managedServiceAccounts, secrets, serviceAccounts } from "#api";
import { isTorture, waitFor } from "#bed";
import { startTcpRelay } from "#testing";
import { AgentProgram } from "./agent-program.ts";
import { agentNamespace, clusterName, soon, TokenBed } from "./token-bed.ts";
import { TokenReader } from "./token-reader.ts";

/** Much longer than any reconcile takes, also on a busy machine. */
const reconcileMs = 5_000;
/** A leader that stays silent is believed for 15 s; tries are 2 s apart. */
const takeoverMs = 25_000;

const lease = { name: "managed-serviceaccount-addon-agent", namespace: agentNamespace };

describe("the process `agent tokens`", { timeout: isTorture ? 1_800_000 : 480_000 }, () => {
  let bed: TokenBed;
  let agent: AgentProgram;

  before(async () => {
    bed = await TokenBed.start(startTcpRelay);
    agent = await AgentProgram.start(bed, "agent-0");
  });
  after(async () => {
    await agent[Symbol.asyncDispose]();
    await bed[Symbol.asyncDispose]();
  });

  const key = (name: string) => ({ name, namespace: clusterName });
  const askFor = async (name: string, validity: string): Promise<void> => {
    const patch = { spec: { rotation: { validity } } };
    await bed.hubAdmin.mergePatch(managedServiceAccounts, key(name), patch, soon());
  };
  const tokenIn = async (name: string): Promise<string | undefined> =>
    (await bed.secret(name))?.data?.["token"];
  /** Waits until the Secret holds another token than that. */
  const renewed = async (name: string, previous: string | undefined, limitMs = 30_000) =>
    waitFor(
      `another token of ${name}`,
      async () => {
        const token = await tokenIn(name);
        return token !== undefined && token !== previous;
      },
      { limitMs },
    );

  /** Kills the agent after that time, and starts it again. */
  const killAfter = async (delayMs: number): Promise<void> => {
    await sleep(delayMs);
    await agent.stop("SIGKILL");
    agent.restart();
    await agent.ready();
  };
  /** Waits until the token works, lives as long as asked for, and the report is about it. */
  const whole = async (name: string, validity?: string): Promise<void> => {
    await waitFor("the token and a report that fits it", async () => {
      const { metadata, status } = await bed.account(name);
      const told = findCondition(status.conditions, "TokenReported");
      const token = await bed.workingToken(name);
      const [, payload = ""] = token.split(".");
      const claims = Buffer.from(payload, "base64url").toString();
      const { exp, iat } = JSON.parse(claims) as { exp: number; iat: number };
      const isReported =
        Math.abs(exp * 1000 - Date.parse(status.expirationTimestamp ?? "")) <= 2_000;
      const isAsAsked = validity === undefined || exp - iat === Number.parseInt(validity, 10) * 60;
      return isReported && isAsAsked && told?.observedGeneration === metadata.generation;
    });
  };

  it("gets ready, and tells of its tokens in metrics but never shows one", async () => {
    await agent.ready();
    await bed.createAccount("shown");
    const token = await bed.workingToken("shown");
    const metrics = await waitFor("the metrics", async () => {
      const text = await agent.metrics();
      return text.includes('spokeway_token_expiry_seconds{account="shown"} 3') && text;
    });
    assert.match(metrics, /spokeway_token_renewals_total\{reason="ServiceAccountMissing"\} 1/);
    await waitFor("the log", async () => agent.output.includes("Token refreshed"));
    for (const text of [metrics, agent.output])
      assert.equal(text.includes(token.slice(-40)), false);
  });

  it("is whole again whenever it was killed during a renewal", async () => {
    await bed.createAccount("killed");
    await bed.workingToken("killed");
    for (let round = 0; round < (isTorture ? 60 : 6); round += 1) {
      await bed.hubAdmin.delete(secrets, key("killed"), soon());
      await killAfter((round % 12) * 12);
      await whole("killed");
    }
  });

  it("never leaves a reader without a token that works, whenever it is killed during a rotation", async () => {
    await using reader = new TokenReader(bed, "killed");
    for (let round = 0; round < (isTorture ? 60 : 3); round += 1) {
      const validity = round % 2 === 0 ? "30m" : "40m";
      await askFor("killed", validity);
      await killAfter((round % 12) * 24);
      await whole("killed", validity);
    }
    assert.ok(reader.uses > 20, `${reader.uses} uses`);
    assert.equal(reader.takeWorstMs(), 0);
  });

  it("never leaves a reader without a token that works, while tokens rotate", async () => {
    await bed.createAccount("used");
    await bed.workingToken("used");
    await using reader = new TokenReader(bed, "used");
    for (let round = 0; round < (isTorture ? 50 : 4); round += 1) {
      const before = await tokenIn("used");
      await askFor("used", round % 2 === 0 ? "30m" : "40m");
      await renewed("used", before);
      await sleep(200);
    }
    assert.ok(reader.uses > 20, `${reader.uses} uses`);
    assert.equal(reader.takeWorstMs(), 0);
  });

  it("never leaves a reader without one for longer than a reconcile, whatever others break", async () => {
    await using reader = new TokenReader(bed, "used");
    const breaks: Readonly<Record<string, () => Promise<unknown>>> = {
      "the Secret is deleted": async () => bed.hubAdmin.delete(secrets, key("used"), soon()),
      "the token is scribbled over": async () =>
        bed.hubAdmin.mergePatch(secrets, key("used"), { data: { token: "eA==" } }, soon()),
      "the ServiceAccount is deleted": async () => {
        const target = { name: "used", namespace: agentNamespace };
        await bed.managedAdmin.delete(serviceAccounts, target, soon());
      },
    };
    for (const [what, perform] of Object.entries(breaks)) {
      const before = await tokenIn("used");
      await perform();
      await renewed("used", before);
      await sleep(500);
      const worstMs = reader.takeWorstMs();
      assert.ok(worstMs < reconcileMs, `${worstMs} ms when ${what}`);
    }
  });

  it("never leaves a reader without one while two agents work at once, each without the other's leave", async () => {
    const rivals = [await bed.startAgent(), await bed.startAgent()];
    try {
      await using reader = new TokenReader(bed, "used");
      for (const validity of isTorture
        ? Array.from({ length: 20 }, (_, at) => `${30 + at}m`)
        : ["31m", "41m"]) {
        const before = await tokenIn("used");
        await askFor("used", validity);
        await renewed("used", before);
        await whole("used", validity);
      }
      assert.equal(reader.takeWorstMs(), 0);
      const before = await tokenIn("used");
      await bed.managedAdmin.delete(
        serviceAccounts,
        { name: "used", namespace: agentNamespace },
        soon(),
      );
      await renewed("used", before);
      await whole("used");
      assert.ok(reader.takeWorstMs() < reconcileMs);
    } finally {
      for (const rival of rivals) await rival.stop();
    }
  });

  it("gives a reader a token that works again when the cluster comes back with another signing key", async () => {
    const before = await tokenIn("used");
    await bed.exchangeSigningKey();
    const exchangedAt = Date.now();
    await waitFor("another token that works, and a leader again", async () => {
      // It may have been without its Lease for too long, which it finds out later than all else.
      agent.restartIfEnded();
      const { spec } = await bed.managedAdmin.get(leases, lease, soon());
      const renewedAt = Date.parse(spec?.renewTime ?? "");
      if (!(renewedAt >= exchangedAt)) return false;
      const token = await tokenIn("used");
      const text = Buffer.from(token ?? "", "base64").toString();
      return token !== before && (await bed.userOf(text)) !== undefined;
    });
    await agent.ready();
    await using reader = new TokenReader(bed, "used");
    await waitFor("some use", async () => reader.uses > 20);
    assert.equal(reader.takeWorstMs(), 0);
  });

  it("keeps readers supplied while the hub is out of its reach, and catches up at once", async () => {
    await using reader = new TokenReader(bed, "used");
    bed.hubRoad.cut();
    await sleep(isTorture ? 600_000 : 4_000);
    assert.equal(reader.takeWorstMs(), 0);
    const before = await tokenIn("used");
    await askFor("used", "50m");
    bed.hubRoad.heal();
    await renewed("used", before, 90_000);
    assert.equal(reader.takeWorstMs(), 0);
  });

  it("lets one of two work, and the other take over when that one stops or dies", async () => {
    await using other = await AgentProgram.start(bed, "agent-1");
    await other.ready();
    const holder = async () =>
      (await bed.managedAdmin.get(leases, lease, soon())).spec?.holderIdentity;
    const rotate = async (validity: string): Promise<void> => {
      const before = await tokenIn("used");
      await askFor("used", validity);
      await renewed("used", before, takeoverMs);
    };
    assert.equal(await holder(), "agent-0");
    await rotate("35m");
    assert.equal(other.isLeading, false);
    assert.doesNotMatch(await other.metrics(), /spokeway_token_(renewals|failures)_total\{/);
    await agent.stop("SIGTERM");
    const stoppedAt = performance.now();
    await rotate("45m");
    assert.ok(performance.now() - stoppedAt < 12_000, "a clean stop gives the lease up");
    assert.equal(await holder(), "agent-1");
    agent.restart();
    await agent.ready();
    await other.stop("SIGKILL");
    await rotate("55m");
    assert.equal(await holder(), "agent-0");
  });

  it("ends when it is asked to, at once", async () => {
    const startedAt = performance.now();
    assert.equal(await agent.stop("SIGTERM"), 0);
    assert.ok(performance.now() - startedAt < 5_000);
  });
});
