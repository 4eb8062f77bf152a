import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as z from "zod";
import { managedProxyConfiguration } from "#api";
import { assertGolden } from "../../testdata/golden.ts";
import { resolveEntrypoint } from "../entrypoint.ts";
import { wantedCertificates } from "./certificates.ts";
import { desiredObjects } from "./desired.ts";

/** All that can be said of the tunnel server, and nothing at its default. */
const fields = {
  authentication: {
    dump: {
      secrets: {
        signingProxyServerSecretName: "my-server",
        signingProxyClientSecretName: "my-client",
        signingAgentServerSecretName: "my-agents",
      },
    },
  },
  proxyServer: {
    image: "registry.example/server:v2",
    replicas: 5,
    inClusterServiceName: "my-entrypoint",
    namespace: "my-namespace",
    entrypoint: {
      type: "Hostname",
      hostname: { value: "hub.example" },
      loadBalancerService: {
        name: "my-balancer",
        annotations: [{ key: "cloud.example/type", value: "internal" }],
      },
      port: 443,
    },
    additionalArgs: ["--v=5", "--keepalive-time=10s"],
    nodePlacement: {
      nodeSelector: { "node.example/role": "tunnel" },
      tolerations: [
        {
          key: "node.example/tunnel",
          operator: "Equal",
          value: "only",
          effect: "NoExecute",
          tolerationSeconds: 60,
        },
      ],
    },
  },
  deploy: {
    ports: { proxyServer: 9090, agentServer: 9091, healthServer: 9092, adminServer: 9095 },
  },
  userServer: { additionalSANs: ["users.example"] },
};

const configuration = managedProxyConfiguration.parse({
  metadata: { name: "cluster-proxy", uid: "mpc-uid", generation: 3 },
  spec: {
    ...fields,
    authentication: {
      ...fields.authentication,
      signer: { type: "SelfSigned", selfSigned: { additionalSANs: ["tunnel.example"] } },
    },
    proxyAgent: { image: "agent:v1" },
  },
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** The paths of all fields of a schema. */
function pathsOf({ properties, items }: Schema, path = ""): readonly string[] {
  if (items?.properties !== undefined) return pathsOf(items, `${path}[]`);
  if (properties === undefined) return [path];
  return Object.entries(properties).flatMap(([name, field]) => pathsOf(field, `${path}.${name}`));
}

function has(value: unknown, path: string): boolean {
  const steps = path.split(/\.|(?=\[\])/).slice(1);
  let at = value;
  for (const step of steps) {
    const key = step === "[]" ? 0 : step;
    at = typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  }
  return at !== undefined;
}

describe("a tunnel server of which everything is said", () => {
  it("is one of which everything is said: a new field wants to stand here", () => {
    const { spec } = managedProxyConfiguration.shape;
    const schema = z.toJSONSchema(spec, { io: "input" }) as Schema;
    const said = pathsOf(schema).filter(
      (path) => !/^\.(proxyAgent|authentication\.signer)/.test(path),
    );
    assert.ok(said.length >= 24, said.join("\n"));
    assert.deepEqual(
      said.filter((path) => !has(fields, path)),
      [],
    );
  });

  it("is as the golden file says, with its certificates", (context) => {
    const options = {
      imagePullPolicy: "Always",
      isSharedIdentityAccepted: false,
      authorityOverlapMs: 86_400_000,
    };
    const ca = { frontends: "CA of front ends", agents: "CA of agents" };
    const objects = desiredObjects(configuration, { ca, isForwarded: false }, options);
    const shown = {
      certificates: wantedCertificates(configuration.spec, undefined),
      objects: objects.map(({ type: { kind }, object }) => Object.assign({ kind }, object)),
    };
    assertGolden(context, shown, new URL("testdata/every-field.yaml", import.meta.url));
  });

  it("is where its host name says", () => {
    const want = { host: "hub.example", port: 443, isPortForward: false };
    assert.deepEqual(resolveEntrypoint(configuration.spec, undefined), want);
  });
});
