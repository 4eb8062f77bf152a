import { cutCluster, healCluster } from "../full/faults.ts";
import type { FullCluster } from "../full/full-cluster.ts";
import { machineNamespace } from "../full/layout.ts";
import { assertClaims, type Claim, isolationClaims, reach } from "../full/reachability.ts";
import { waitFor } from "../wait.ts";
import { connectFromPod, fetchFromPod } from "./asker.ts";
import { expectSeen, type Proof, type ProofContext } from "./claim.ts";

const kubeletPort = 10_250;

/** What gets through between the clusters, and what does not. */
export function networkProofs(context: ProofContext): readonly Proof[] {
  const { hub, managed } = context.bed;
  const plans = [hub, ...managed].map(({ plan }) => plan);
  const machines = isolationClaims(plans).map((claim) => machineProof(claim));
  return [...machines, ...managed.flatMap((cluster) => managedProofs(cluster, context))];
}

function machineProof(claim: Claim): Proof {
  return {
    says: `machine: ${claim.says}`,
    check: async () => {
      await assertClaims([claim]);
      return claim.expect;
    },
  };
}

function managedProofs(cluster: FullCluster, context: ProofContext): readonly Proof[] {
  const { hub } = context.bed;
  const name = cluster.plan.name;
  const api = cluster.plan.addresses.apiServerPort;
  const nodePort = context.managedNodePorts.get(name) ?? 0;
  const from = (source: FullCluster, target: FullCluster, port: number) => async () =>
    connectFromPod(source, target.plan.node.address, port);
  const proof = (says: string, ask: () => Promise<string>, wanted: string): Proof => ({
    says,
    check: async () => expectSeen(await ask(), wanted),
  });
  return [
    {
      says: `a pod of ${name} reaches a NodePort of the hub`,
      check: async () => {
        const url = `http://${hub.plan.node.address}:${context.hubNodePort}/`;
        return expectSeen(await fetchFromPod(cluster, url), /^200 .*workload/u);
      },
    },
    proof(`a pod of ${name} reaches its own API server`, from(cluster, cluster, api), "answer"),
    proof(`a pod of ${name} reaches its own NodePort`, from(cluster, cluster, nodePort), "answer"),
    proof("a pod of the hub reaches the hub's API server", from(hub, hub, api), "answer"),
    proof(`a pod of the hub gets no answer from ${name}'s API`, from(hub, cluster, api), "silence"),
    proof(
      `a pod of the hub gets no answer from ${name}'s NodePort`,
      from(hub, cluster, nodePort),
      "silence",
    ),
    proof(
      `a pod of ${name} gets no answer from the hub's kubelet`,
      from(cluster, hub, kubeletPort),
      "silence",
    ),
    {
      says: `a cut takes ${name} off, healing brings it back`,
      check: async () => provesCut(cluster, hub),
    },
  ];
}

async function provesCut(cluster: FullCluster, hub: FullCluster): Promise<string> {
  const target = {
    from: machineNamespace(cluster.plan.name),
    address: hub.plan.node.address,
    port: hub.plan.addresses.apiServerPort,
  };
  await cutCluster(cluster.plan.name);
  try {
    expectSeen(await reach(target), "silence");
  } finally {
    await healCluster(cluster.plan.name);
  }
  await waitFor("the cluster to be back", async () => (await reach(target)) === "answer", {
    limitMs: 10_000,
  });
  return "silence, then answer";
}
