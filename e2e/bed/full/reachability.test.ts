import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planFullCluster } from "./addresses.ts";
import { bedFiles, clusterNames } from "./layout.ts";
import { isolationClaims, judgeConnection } from "./reachability.ts";

const files = bedFiles("/checkout/.bed");
const plansOf = (managed: number) =>
  clusterNames(managed).map((name, index) => planFullCluster(name, index, files));

describe("isolationClaims()", () => {
  const claims = isolationClaims(plansOf(2));

  it("has the router reach every listener that the hub must not reach", () => {
    const key = ({ address, port }: { address: string; port: number }) => `${address}:${port}`;
    const fromHub = claims.filter(
      ({ from, expect }) => from === "spokeway-hub" && expect === "silence",
    );
    const controls = new Set(claims.filter(({ from }) => from === "spokeway-wan").map(key));
    assert.equal(fromHub.length, 4);
    for (const claim of fromHub) assert.ok(controls.has(key(claim)), claim.says);
  });

  it("keeps managed clusters apart from each other", () => {
    const between = claims.filter(
      ({ from, address, expect }) =>
        from === "spokeway-managed1" && address === "172.30.32.2" && expect === "silence",
    );
    assert.equal(between.length, 1);
  });
});

describe("judgeConnection()", () => {
  const cases = {
    answer: [0, ""],
    silence: [1, "socat[1] E connect(5, AF=2 172.30.16.2:6443, 16): Connection timed out"],
    refusal: [1, "socat[1] E connect(5, AF=2 172.30.16.2:6443, 16): Connection refused"],
    error: [1, "nsenter: cannot open /run/netns/spokeway-hub: No such file or directory"],
  } as const;
  for (const [want, [code, stderr]] of Object.entries(cases)) {
    it(`tells ${want} from the others`, () => assert.equal(judgeConnection(code, stderr), want));
  }
});
