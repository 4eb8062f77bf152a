/** The token changes while streams run: they go on, and the next request uses the new one. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "./bed/wait.ts";
import { startKubectl } from "./support/background.ts";
import { rotateCredential, tokenSecret } from "./support/credential.ts";
import { grantAllOnManaged, revokeAllOnManaged } from "./support/grant.ts";
import {
  gatewayKubeconfig,
  kubectl,
  kubectlJson,
  managedKubeconfig,
  writeGatewayKubeconfig,
} from "./support/hub.ts";
import { tickerIn } from "./support/ticker.ts";

const namespace = "e2e-rotation";

const pod = tickerIn(namespace);

describe("rotation of the token", () => {
  before(async () => {
    await writeGatewayKubeconfig();
    await grantAllOnManaged();
    const options = { kubeconfig: managedKubeconfig };
    await kubectl(["delete", "ns", namespace, "--ignore-not-found"], options);
    await kubectl(["create", "ns", namespace], options);
    await kubectl(["apply", "-f", "-"], { ...options, input: pod });
    await kubectl(
      ["-n", namespace, "wait", "--for=condition=Ready", "pod/ticker", "--timeout=90s"],
      options,
    );
  });

  after(async () => {
    await kubectl(["delete", "ns", namespace, "--ignore-not-found", "--wait=false"], {
      kubeconfig: managedKubeconfig,
    });
    await revokeAllOnManaged();
  });

  it("breaks neither a log that is followed nor a watch, and serves the next request", async () => {
    await using logs = startKubectl(
      ["-n", namespace, "logs", "-f", "--tail=1", "ticker"],
      gatewayKubeconfig,
    );
    await using watch = startKubectl(
      ["-n", namespace, "get", "configmap", "--watch-only", "-o", "name"],
      gatewayKubeconfig,
    );
    await waitFor("the log", () => Promise.resolve(logs.stdout.includes("tick-")));
    await rotateCredential();

    const linesBefore = logs.stdout.length;
    await waitFor(
      "events of the old watch",
      async () => {
        const name = `after-${Date.now()}`;
        await kubectl(["-n", namespace, "create", "configmap", name], {
          kubeconfig: gatewayKubeconfig,
        });
        return watch.stdout.includes("configmap/after-");
      },
      { everyMs: 1_000 },
    );
    await waitFor("lines of the old log", () =>
      Promise.resolve(logs.stdout.length > linesBefore + 40),
    );
    assert.deepEqual([logs.isRunning, watch.isRunning], [true, true], logs.stderr + watch.stderr);
  });

  it("shows no token to those who may list gateways", async () => {
    const secret = (await kubectlJson(tokenSecret)) as {
      readonly data: { readonly token: string };
    };
    const token = Buffer.from(secret.data.token, "base64").toString();
    const shown = await kubectl(["get", "clustergateway", "-o", "yaml"]);
    assert.equal(shown.includes(token), false);
    assert.equal(shown.includes(secret.data.token), false);
    assert.match(shown, /ServiceAccountToken/);
  });
});
