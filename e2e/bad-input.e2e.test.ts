/** What goes wrong says what and where, and harms nothing else. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "./bed/wait.ts";
import {
  gatewayPath,
  kubectl,
  kubectlJson,
  managedKubeconfig,
  tryHelm,
  tryKubectl,
} from "./support/hub.ts";

interface Failure {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

/** The Status that a GET of the path is answered with. */
async function failureOf(path: string): Promise<Failure> {
  // At this level kubectl shows the body of each answer.
  const { stderr } = await tryKubectl(["get", `--raw=${path}`, "-v=8"]);
  const body = /Response Body.*?(\{.*\})/s.exec(stderr)?.[1] ?? stderr;
  const start = body.indexOf('{"kind":"Status"');
  return JSON.parse(start < 0 ? body : (body.slice(start).split("\n")[0] ?? "")) as Failure;
}

describe("an unknown cluster", () => {
  it("is a 404 that names it", async () => {
    const path = gatewayPath.replace("managed1", "nowhere");
    const { code, stderr } = await tryKubectl(["get", `--raw=${path}/healthz`]);
    assert.equal(code, 1);
    assert.match(stderr, /NotFound.*"nowhere"/);
    const { stderr: get } = await tryKubectl(["get", "clustergateway", "nowhere"]);
    assert.match(get, /\(NotFound\): .*"nowhere"/);
  });
});

describe("a cluster whose tunnel is down", () => {
  const agentNamespace = ["-n", "open-cluster-management-cluster-proxy"];
  const options = { kubeconfig: managedKubeconfig };
  let work = "";

  before(async () => {
    work = await kubectl(["-n", "managed1", "get", "manifestwork", "-o", "name"]);
  });

  it("is a 503 that says so and since when, and comes back by itself", async () => {
    assert.match(work, /addon-cluster-proxy-deploy-0/);
    const pods = [
      ...agentNamespace,
      "delete",
      "pod",
      "-l",
      "proxy.open-cluster-management.io/component-name=proxy-agent",
    ];
    // The node takes no new pod, so the agent stays away once it is deleted.
    await kubectl(["cordon", "managed1"], options);
    try {
      await kubectl([...pods, "--grace-period=0", "--force"], options);
      const failure = await waitFor(
        "the refusal",
        async () => {
          const found = await failureOf(`${gatewayPath}/healthz`);
          return found.code === 503 && found;
        },
        { everyMs: 500 },
      );
      assert.equal(failure.reason, "ServiceUnavailable");
      assert.match(failure.message ?? "", /managed1/);
      assert.match(failure.message ?? "", /tunnel/);
      assert.match(failure.message ?? "", /since \d{4}-\d\d-\d\dT/);
    } finally {
      await kubectl(["uncordon", "managed1"], options);
    }
    await waitFor(
      "the way back",
      async () => {
        return (await kubectl(["get", `--raw=${gatewayPath}/healthz`])) === "ok";
      },
      { everyMs: 500 },
    );
  });

  it("leaves the hub's own discovery alone", async () => {
    assert.match(await kubectl(["api-resources", "-o", "name"]), /clustergateways/);
  });
});

describe("a chart value of the wrong type", () => {
  const cases: Readonly<Record<string, readonly [chart: string, set: string, name: RegExp]>> = {
    "of cluster-proxy": ["cluster-proxy", "replicas=many", /replicas/],
    "of managed-serviceaccount": [
      "managed-serviceaccount",
      "agentInstallAll=perhaps",
      /agentInstallAll/,
    ],
    "of the gateway": [
      "cluster-gateway-addon-manager",
      "konnectivityEgress=12",
      /konnectivityEgress/,
    ],
    "that does not exist": ["cluster-proxy", "repicas=1", /repicas/],
  };
  for (const [what, [chart, set, name]] of Object.entries(cases)) {
    it(`${what} is refused by helm with its name`, async () => {
      const { code, stderr } = await tryHelm(["template", "x", `helm/${chart}`, "--set", set]);
      assert.notEqual(code, 0);
      assert.match(stderr, name);
    });
  }
});

describe("a token that is missing", () => {
  const secret = ["-n", "managed1", "get", "managedserviceaccount", "cluster-gateway"];
  const options = { kubeconfig: managedKubeconfig };
  const agent = ["-n", "open-cluster-management-agent-addon"];

  after(async () => {
    await kubectl(["uncordon", "managed1"], options);
  });

  it("names the ManagedServiceAccount that is not ready", async () => {
    await kubectlJson(secret);
    await kubectl(["cordon", "managed1"], options);
    await kubectl(
      [
        ...agent,
        "delete",
        "pod",
        "-l",
        "addon-agent=managed-serviceaccount",
        "--grace-period=0",
        "--force",
      ],
      options,
    );
    await kubectl(["-n", "managed1", "delete", "secret", "cluster-gateway"]);
    // The gateway's copy outlives the original, so that a token that is made anew costs no request.
    await kubectl(["-n", "open-cluster-management-credentials", "delete", "secret", "managed1"]);
    const failure = await waitFor(
      "the refusal",
      async () => {
        const found = await failureOf(`${gatewayPath}/healthz`);
        return found.code === 503 && found;
      },
      { everyMs: 500 },
    );
    assert.match(failure.message ?? "", /ManagedServiceAccount managed1\/cluster-gateway/);
    await kubectl(["uncordon", "managed1"], options);
    await waitFor(
      "the token",
      async () => {
        return (await kubectl(["get", `--raw=${gatewayPath}/healthz`])) === "ok";
      },
      { limitMs: 180_000, everyMs: 500 },
    );
  });
});
