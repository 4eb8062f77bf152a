import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EndpointSlice } from "#api";
import { silentLogger } from "#runtime";
import { eventually, ScriptedClient } from "#testing";
import { addressesOf, createTunnelEndpoints } from "./tunnel-endpoints.ts";

type Endpoints = NonNullable<EndpointSlice["endpoints"]>;

function slice(name: string, endpoints: Endpoints, port = 8090): EndpointSlice {
  const ports = [
    { name: "agent-server", port: 8091 },
    { name: "proxy-server", port },
  ];
  const metadata = { name, namespace: "n", resourceVersion: "1" };
  return { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, ports, endpoints };
}

describe("addressesOf()", () => {
  const cases: Readonly<Record<string, readonly [readonly EndpointSlice[], readonly string[]]>> = {
    "takes all slices, each address once, in order": [
      [
        slice("b", [{ addresses: ["10.0.0.2"] }], 9090),
        slice("a", [{ addresses: ["10.0.0.1"] }]),
        slice("c", [{ addresses: ["10.0.0.1"] }]),
      ],
      ["10.0.0.1:8090", "10.0.0.2:9090"],
    ],
    "keeps one that is about to end while it serves": [
      [
        slice("a", [
          { addresses: ["10.0.0.1"], conditions: { ready: false, serving: true } },
          { addresses: ["10.0.0.2"], conditions: { ready: false, serving: false } },
        ]),
      ],
      ["10.0.0.1:8090"],
    ],
    "goes by readiness where nothing is said of serving": [
      [
        slice("a", [
          { addresses: ["10.0.0.1"], conditions: { ready: true } },
          { addresses: ["10.0.0.2"], conditions: { ready: false } },
        ]),
      ],
      ["10.0.0.1:8090"],
    ],
    "puts IPv6 addresses in brackets": [
      [slice("a", [{ addresses: ["fd00::1"] }])],
      ["[fd00::1]:8090"],
    ],
    "finds nothing in slices without endpoints, or without the port": [
      [{ ...slice("a", [{ addresses: ["10.0.0.1"] }]), ports: [] }, slice("b", [])],
      [],
    ],
  };
  for (const [name, [slices, want]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(addressesOf(slices, "proxy-server"), want));
  }
});

describe("createTunnelEndpoints()", () => {
  it("knows nothing before the first list, and tells of every change after it", async () => {
    const scripted = new ScriptedClient();
    scripted.lists.push({ items: [], resourceVersion: "1" });
    const endpoints = createTunnelEndpoints(scripted.client, {
      namespace: "n",
      service: "proxy-entrypoint",
      portName: "proxy-server",
      log: silentLogger,
    });
    const heard: (readonly string[] | undefined)[] = [];
    endpoints.onChange(() => heard.push(endpoints.current));
    assert.equal(endpoints.current, undefined);
    const stop = new AbortController();
    const ended = endpoints.run(stop.signal).catch(() => undefined);
    await eventually(() => heard.length === 1 && scripted.watches.length > 0, "it has the list");
    scripted.watches[0]?.tell("ADDED", slice("a", [{ addresses: ["10.0.0.1"] }]));
    await eventually(() => heard.length === 2, "there is a server");
    assert.deepEqual(heard, [[], ["10.0.0.1:8090"]]);
    stop.abort();
    await ended;
  });
});
