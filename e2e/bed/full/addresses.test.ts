import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { maxClusters, outsideUrl, planFullCluster } from "./addresses.ts";
import { bedFiles } from "./layout.ts";

const files = bedFiles("/checkout/.bed");
const plan = (index: number) => planFullCluster(`cluster${index}`, index, files);

describe("planFullCluster()", () => {
  it("gives the first cluster the beginning of the range", () => {
    const { router, node, addresses, directory } = planFullCluster("hub", 0, files);
    assert.equal(directory, "/checkout/.bed/clusters/hub");
    assert.equal(router, "172.30.0.1");
    assert.deepEqual(node, {
      address: "172.30.0.2",
      pods: "172.30.1.0/24",
      dnsService: "172.30.2.10",
      cgroup: "/spokeway/hub",
    });
    assert.equal(addresses.apiServer, "172.30.0.2");
    assert.equal(addresses.services, "172.30.2.0/24");
    assert.equal(addresses.kubernetesService, "172.30.2.1");
  });

  it("gives no two clusters an address or an outside port in common", () => {
    const plans = Array.from({ length: maxClusters }, (_, index) => plan(index));
    const taken = plans.flatMap(({ router, node, addresses, outsidePort }) => [
      router,
      node.address,
      node.pods,
      addresses.services,
      String(outsidePort),
    ]);
    assert.equal(new Set(taken).size, taken.length);
  });

  it("refuses a cluster for which the range has no room", () => {
    assert.throws(() => plan(maxClusters), RangeError);
    assert.throws(() => plan(-1), RangeError);
  });

  it("leads from outside to a port of this host's loopback alone", () => {
    assert.equal(outsideUrl(plan(1)), "https://127.0.0.1:26444");
  });
});
