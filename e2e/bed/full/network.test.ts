import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planFullCluster } from "./addresses.ts";
import { bedFiles, clusterNames } from "./layout.ts";
import { machineLinks, machineRules, routerLinks, routerRules } from "./network.ts";

const files = bedFiles("/checkout/.bed");
const plans = clusterNames(2).map((name, index) => planFullCluster(name, index, files));
const [hub] = plans;
const lines = (text: string): readonly string[] => text.split("\n").map((line) => line.trim());

describe("routerRules()", () => {
  const rules = lines(routerRules(plans));

  it("drops whatever no rule accepts", () => {
    assert.ok(rules.includes("policy drop"));
  });

  it("accepts one way in only: to the hub's API server and NodePorts", () => {
    const accepting = rules.filter((line) => line.endsWith("accept"));
    assert.deepEqual(accepting, [
      "ct state established,related accept",
      'iifname != "hub" oifname "hub" ip daddr 172.30.0.2 tcp dport { 6443, 30000-32767 } accept',
    ]);
  });

  it("drops a cut cluster's packets before it looks at open connections", () => {
    const established = rules.findIndex((line) => line.startsWith("ct state"));
    for (const direction of ["iifname", "oifname"]) {
      const cut = rules.indexOf(`${direction} @cut drop`);
      assert.ok(cut !== -1 && cut < established, direction);
    }
  });
});

describe("routerLinks()", () => {
  it("lays a wire to every machine", () => {
    const wires = lines(routerLinks(plans)).filter((line) => line.startsWith("link add"));
    assert.deepEqual(wires, [
      "link add hub type veth peer name eth0 netns spokeway-hub",
      "link add managed1 type veth peer name eth0 netns spokeway-managed1",
      "link add managed2 type veth peer name eth0 netns spokeway-managed2",
    ]);
  });
});

describe("machineLinks() and machineRules()", () => {
  it("lead out through the router, under the machine's own address", () => {
    assert.ok(hub !== undefined);
    assert.ok(lines(machineLinks(hub)).includes("route add default via 172.30.0.1"));
    assert.ok(
      lines(machineRules(hub)).includes('ip saddr 172.30.1.0/24 oifname "eth0" masquerade'),
    );
  });
});
