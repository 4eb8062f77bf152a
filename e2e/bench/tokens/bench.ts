import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startTcpRelay } from "#testing";
import { clusterName, soon, TokenBed } from "../../../agent/tokens/token-bed.ts";
import { isConditionTrue, managedServiceAccounts } from "../../../api/index.ts";
import { waitFor } from "../../bed/index.ts";
import { HubRequests } from "./hub-requests.ts";
import { MeasuredAgent, type Memory } from "./measured-agent.ts";
import { atMost, publish, type Row } from "./row.ts";

// One agent and a hub with many ManagedServiceAccounts: how long until all have their tokens, what
// the agent costs, and what it asks of the hub.

const few = 100;
const many = 2_000;
const rotated = 200;
const restSeconds = 30;
const writers = 8;
const watchSeconds = 60;
/** One look at the hub for the lease, and two watches that may begin anew; for any number. */
const maxRequests = 6;

interface Stage {
  readonly bed: TokenBed;
  readonly agent: MeasuredAgent;
  readonly requests: HubRequests;
}

async function run(stage: Stage): Promise<readonly Row[]> {
  const rest = await measureRest(stage);
  await createAccounts(stage, 0, few);
  const withFew = await requestsPerMinute(stage);
  await stage.requests.count();
  const seconds = await createAccounts(stage, few, many);
  const issued = await stage.requests.count();
  const busy = await stage.agent.memory();
  const withMany = await requestsPerMinute(stage);
  const settled = await stage.agent.memory();
  const writesPerRotation = await rotate(stage);
  return [
    atMost("agent at rest, MB", rest.memory.resident, 110, 80),
    atMost("agent at rest, CPU %", rest.cpuPercent, 1, 0.5),
    atMost(`${many} accounts, seconds until all are ready`, seconds, 300, 120),
    atMost(`${many} accounts, agent at its peak, MB`, peakOf(busy, settled), 150),
    atMost(`${many} accounts, agent settled, MB`, settled.resident, 150),
    atMost("hub writes for a first token", issued.writes / (many - few), 3),
    atMost("hub writes for a rotation", writesPerRotation, 3),
    atMost(`${few} accounts at rest, hub requests a minute`, withFew, maxRequests),
    atMost(`${many} accounts at rest, hub requests a minute`, withMany, maxRequests),
  ];
}

function peakOf(...memories: readonly Memory[]): number {
  return Math.max(...memories.map(({ peak }) => peak));
}

async function measureRest({ agent }: Stage) {
  await sleep(5_000);
  const before = await agent.cpuSeconds();
  await sleep(restSeconds * 1_000);
  const used = (await agent.cpuSeconds()) - before;
  return { memory: await agent.memory(), cpuPercent: (used / restSeconds) * 100 };
}

/** Creates the accounts from `first` to before `end`; answers the seconds until they are ready. */
async function createAccounts({ bed }: Stage, first: number, end: number): Promise<number> {
  const startedAt = performance.now();
  let next = first;
  const create = async (): Promise<void> => {
    while (next < end) {
      const name = accountName(next);
      next += 1;
      await bed.createAccount(name);
    }
  };
  await Promise.all(Array.from({ length: writers }, create));
  await waitUntilReady(bed, end);
  return (performance.now() - startedAt) / 1_000;
}

async function waitUntilReady(bed: TokenBed, count: number, refreshedAfter = 0): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    const ready = (await bed.accounts()).filter(({ status }) => {
      const refreshedAt = Date.parse(status.tokenSecretRef?.lastRefreshTimestamp ?? "");
      return isConditionTrue(status.conditions, "TokenReported") && refreshedAt >= refreshedAfter;
    });
    return ready.length >= count;
  };
  await waitFor(`${count} accounts to be ready`, isReady, { limitMs: 600_000, everyMs: 2_000 });
}

async function requestsPerMinute({ requests }: Stage): Promise<number> {
  await sleep(5_000);
  await requests.count();
  await sleep(watchSeconds * 1_000);
  return ((await requests.count()).all * 60) / watchSeconds;
}

/** Asks for another validity, which is a rotation; answers the hub writes for each. */
async function rotate({ bed, requests }: Stage): Promise<number> {
  await requests.count();
  const startedAt = Math.floor(Date.now() / 1_000) * 1_000;
  const patch = { spec: { rotation: { validity: "30m" } } };
  for (let index = 0; index < rotated; index += 1) {
    const key = { name: accountName(index), namespace: clusterName };
    await bed.hubAdmin.mergePatch(managedServiceAccounts, key, patch, soon());
  }
  await waitUntilReady(bed, rotated, startedAt);
  await sleep(2_000);
  return (await requests.count()).writes / rotated;
}

function accountName(index: number): string {
  return `account-${index}`;
}

const directory = await mkdtemp(join(tmpdir(), "bench-tokens-"));
try {
  const { requests, flags } = await HubRequests.prepare(directory);
  await using bed = await TokenBed.start(startTcpRelay, { hub: flags });
  await using agent = await MeasuredAgent.start(bed, join(directory, "app"));
  const holds = await publish("tokens", await run({ bed, agent, requests }));
  if (!holds) process.exitCode = 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
