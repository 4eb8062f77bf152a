import { after, before, describe, it } from "node:test";
import { waitFor } from "#bed";
import { AddonHub, releaseNames } from "./testdata/addon-hub.ts";

const cluster = "managed1";
const credentials = "open-cluster-management-credentials";

describe("a cluster that is removed from the hub", () => {
  let world: AddonHub;
  before(
    async () => {
      world = await AddonHub.start("v1alpha1-and-v1beta1");
      for (const release of releaseNames) await world.install(release);
      for (const name of releaseNames) {
        const applied = '.status.conditions[?(@.type=="ManifestApplied")].status';
        await world.untilField("True", "managedclusteraddon", name, applied, cluster);
      }
    },
    { timeout: 240_000 },
  );
  after(async () => world[Symbol.asyncDispose]());

  it("leaves nothing usable behind", async () => {
    const data = { token: Buffer.from("t").toString("base64"), "ca.crt": "Q0E=" };
    const metadata = { name: "cluster-gateway", namespace: cluster };
    await world.hub.apply(JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata, data }));
    await world.untilField(data.token, "secret", cluster, ".data.token", credentials);
    await world.hub.kubectl(["delete", "managedcluster", cluster, "--wait=false"]);
    const gone = [
      ["managedclusteraddon", "cluster-gateway", cluster],
      ["managedclusteraddon", "cluster-proxy", cluster],
      ["managedclusteraddon", "managed-serviceaccount", cluster],
      ["manifestwork", "addon-cluster-proxy-deploy-0", cluster],
      ["rolebinding", "cluster-proxy-addon-agent", cluster],
      ["managedserviceaccount", "cluster-gateway", cluster],
      ["secret", cluster, credentials],
    ] as const;
    for (const [kind, name, namespace] of gone) {
      await world.untilField("", kind, name, ".metadata.name", namespace);
    }
    await waitFor("the agent to go", async () => {
      const of = ["deployment", "managed-serviceaccount-addon-agent", ".metadata.name"] as const;
      return (await world.managedField(...of, "open-cluster-management-agent-addon")) === "";
    });
  });
});
