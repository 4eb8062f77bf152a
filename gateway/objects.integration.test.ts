import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "#bed";
import { makeAuthority, type TestAuthority } from "#testing";
import { GatewayBed } from "./gateway-bed.ts";
import { secretNamespace } from "./under-test/gateway-bed-manifests.ts";

const root = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways";

describe("ClusterGateways as objects of the hub", { timeout: 300_000 }, () => {
  let bed: GatewayBed;
  let authority: TestAuthority;

  before(async () => {
    authority = await makeAuthority("gateway-ca");
    bed = await GatewayBed.start([], { controllerManager: true });
    await bed.startGateway(authority, { isWritable: true });
  });
  after(async () => bed[Symbol.asyncDispose]());

  const kubectl = async (...args: readonly string[]) => bed.kubectl(bed.hub.kubeconfig, args);
  const feed = async (input: unknown, ...args: readonly string[]) =>
    bed.kubectl(bed.hub.kubeconfig, [...args, "-f", "-"], JSON.stringify(input));
  const secretOf = async (name: string) => {
    const path = `/api/v1/namespaces/${secretNamespace}/secrets/${name}`;
    const { body } = await bed.hub.api.send({ path });
    return body as {
      readonly metadata: {
        readonly labels: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
      };
      readonly data: Readonly<Record<string, string>>;
    };
  };
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const manifest = (name: string, token = "secret-token", labels = {}) => ({
    apiVersion: "cluster.core.oam.dev/v1alpha1",
    kind: "ClusterGateway",
    metadata: { name, labels },
    spec: {
      access: {
        endpoint: {
          type: "Const",
          const: { address: "https://127.0.0.1:6443", caBundle: base64(authority.caPem) },
        },
        credential: { type: "ServiceAccountToken", serviceAccountToken: token },
      },
    },
  });

  it("keeps what is created as the Secret that upstream reads, and shows no token", async () => {
    const made = await feed(manifest("made", "secret-token", { tier: "gold" }), "create");
    assert.deepEqual(made, {
      code: 0,
      stdout: "clustergateway.cluster.core.oam.dev/made created\n",
      stderr: "",
    });
    const { metadata, data } = await secretOf("made");
    assert.deepEqual(metadata.labels, {
      tier: "gold",
      "cluster.core.oam.dev/cluster-credential-type": "ServiceAccountToken",
      "cluster.core.oam.dev/cluster-endpoint-type": "Const",
    });
    assert.deepEqual(Object.keys(data).toSorted(), ["ca.crt", "endpoint", "token"]);
    assert.equal(data["token"], base64("secret-token"));
    const shown = await kubectl("get", "clustergateway", "made", "-o", "yaml");
    assert.doesNotMatch(shown.stdout, /secret-token/);
    const again = await feed(manifest("made"), "create");
    assert.match(
      again.stderr,
      /AlreadyExists.*clustergateways.cluster.core.oam.dev "made" already exists/,
    );
  });

  it("applies, again without a change, and with one, keeping the token out of what it remembers", async () => {
    assert.match((await feed(manifest("applied"), "apply")).stdout, /created/);
    assert.match((await feed(manifest("applied"), "apply")).stdout, /unchanged|configured/);
    const changed = await feed(manifest("applied", "other-token", { tier: "new" }), "apply");
    assert.equal(changed.stderr, "");
    const { metadata, data } = await secretOf("applied");
    assert.equal(data["token"], base64("other-token"));
    assert.equal(metadata.labels["tier"], "new");
    assert.doesNotMatch(JSON.stringify(metadata.annotations), /token"/);
    assert.match((await feed(manifest("applied"), "diff")).stdout, /tier|^$/);
  });

  it("applies on the server, and tells who owns a field that two want", async () => {
    const mine = ["apply", "--server-side", "--field-manager=mine"];
    const applied = await feed(manifest("owned"), ...mine);
    assert.match(applied.stdout, /serverside-applied/);
    const theirs = ["apply", "--server-side", "--field-manager=theirs"];
    const refused = await feed(manifest("owned", "their-token"), ...theirs);
    assert.match(
      refused.stderr,
      /1 conflict: conflict with "mine".*credential.serviceAccountToken/s,
    );
    const forced = await feed(manifest("owned", "their-token"), ...theirs, "--force-conflicts");
    assert.equal(forced.code, 0, forced.stderr);
    assert.equal((await secretOf("owned")).data["token"], base64("their-token"));
  });

  it("patches, labels and annotates without touching the credential", async () => {
    const patches: readonly (readonly string[])[] = [
      ["patch", "--type=merge", "-p", '{"metadata":{"labels":{"a":"1"}}}'],
      ["patch", "--type=json", "-p", '[{"op":"add","path":"/metadata/labels/b","value":"2"}]'],
      ["label", "c=3"],
      ["annotate", "note=x"],
    ];
    for (const [verb = "", ...rest] of patches) {
      const done = await kubectl(verb, "clustergateway", "made", ...rest);
      assert.equal(done.code, 0, done.stderr);
    }
    const { metadata, data } = await secretOf("made");
    const { tier, a, b, c } = metadata.labels;
    assert.deepEqual({ tier, a, b, c }, { tier: "gold", a: "1", b: "2", c: "3" });
    assert.equal(metadata.annotations?.["note"], "x");
    assert.equal(data["token"], base64("secret-token"));
    const strategic = await kubectl("patch", "clustergateway", "made", "-p", "{}");
    assert.match(strategic.stderr, /UnsupportedMediaType|not supported|unknown format/);
  });

  it("tells in wide output how old each is, as kubectl tells ages", async () => {
    const { stdout, stderr } = await kubectl("get", "clustergateway", "made", "-o=wide");
    const [head = "", row = ""] = stdout.trim().split("\n");
    assert.match(head, /TOKEN-EXPIRES +AGE$/, stderr);
    assert.match(row, / \d+m?\d*s?$/);
    const watched = await kubectl("get", "clustergateway", "made", "-o=wide", "--no-headers");
    assert.doesNotMatch(watched.stdout, /\dT\d/);
  });

  it("edits as a person does", async () => {
    const editor = "sed -i s/127.0.0.1:6443/127.0.0.2:6443/";
    const child = bed.spawnKubectl(bed.hub.kubeconfig, ["edit", "clustergateway", "made"], {
      KUBE_EDITOR: editor,
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    assert.equal(code, 0);
    assert.equal((await secretOf("made")).data["endpoint"], base64("https://127.0.0.2:6443"));
  });

  it("refuses a stale version, another name, and fields that are wrong, by their names", async () => {
    const put = async (change: (object: Record<string, never>) => unknown) => {
      const { body } = await bed.hub.api.send({ path: `${root}/made` });
      const changed = change(structuredClone(body) as Record<string, never>);
      return bed.hub.api.send({ method: "PUT", path: `${root}/made`, body: changed });
    };
    const stale = await put((object) => ({
      ...object,
      metadata: { name: "made", resourceVersion: "1" },
    }));
    assert.equal(stale.status, 409);
    const other = await put((object) => ({ ...object, metadata: { name: "other" } }));
    assert.equal(other.status, 400);
    const wrong = manifest("wrong", "two words");
    const { access } = wrong.spec;
    const bad = await bed.hub.api.send({
      method: "POST",
      path: root,
      body: {
        ...wrong,
        spec: {
          access: {
            ...access,
            endpoint: { type: "Const", const: { address: "ftp://x", "proxy-url": "x" } },
          },
        },
      },
    });
    assert.equal(bad.status, 422);
    const { details } = bad.body as { details: { causes: { field: string; message: string }[] } };
    assert.deepEqual(
      details.causes.map(({ field }) => field),
      [
        "spec.access.endpoint.const.address",
        "spec.access.endpoint.const.proxy-url",
        "spec.access.credential.serviceAccountToken",
      ],
    );
    assert.doesNotMatch(JSON.stringify(bad.body), /two words/);
    const strict = await feed({ ...wrong, extra: 1, spec: { ...wrong.spec, more: 2 } }, "create");
    assert.match(strict.stderr, /unknown field "extra".*unknown field "spec.more"|strict decoding/);
  });

  it("tries without keeping anything", async () => {
    const tried = await feed(manifest("tried"), "create", "--dry-run=server");
    assert.match(tried.stdout, /created \(server dry run\)/);
    assert.match((await kubectl("get", "clustergateway", "tried")).stderr, /NotFound/);
    const gone = await kubectl("delete", "clustergateway", "made", "--dry-run=server");
    assert.match(gone.stdout, /deleted \(server dry run\)/);
    assert.equal((await kubectl("get", "clustergateway", "made")).code, 0);
  });

  it("selects, pages, and watches one list as of one moment", async () => {
    const names = async (...args: readonly string[]) => {
      const { stdout } = await kubectl("get", "clustergateways", "-o", "name", ...args);
      return stdout
        .trim()
        .split("\n")
        .map((line) => line.split("/")[1]);
    };
    assert.deepEqual(await names("-l", "tier=gold"), ["made"]);
    assert.deepEqual(await names("--field-selector", "metadata.name=owned"), ["owned"]);
    assert.deepEqual(await names("--chunk-size=1"), ["applied", "made", "owned"]);
    const first = await bed.hub.api.send({ path: `${root}?limit=1` });
    const page = first.body as {
      metadata: { continue: string; remainingItemCount: number; resourceVersion: string };
    };
    assert.equal(page.metadata.remainingItemCount, 2);
    await feed(manifest("afterwards"), "create");
    await kubectl("delete", "clustergateway", "owned");
    const rest = await bed.hub.api.send({
      path: `${root}?limit=500&continue=${page.metadata.continue}`,
    });
    const { items } = rest.body as { items: { metadata: { name: string } }[] };
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ["made", "owned"],
    );
    const exact = `resourceVersion=${page.metadata.resourceVersion}&resourceVersionMatch=Exact`;
    const then = await bed.hub.api.send({ path: `${root}?${exact}` });
    assert.equal((then.body as { items: unknown[] }).items.length, 3);
    assert.equal(
      (await bed.hub.api.send({ path: `${root}?watch=1&resourceVersion=1` })).status,
      410,
    );
    const ahead = "resourceVersion=99999999&resourceVersionMatch=NotOlderThan";
    assert.equal((await bed.hub.api.send({ path: `${root}?${ahead}` })).status, 504);
  });

  it("shows a Secret that is wrong, says so in an Event, and lets it be repaired", async () => {
    await bed.writeCluster("broken", "ClusterProxy", { token: "t" });
    await waitFor("the fault", async () => {
      const { stdout } = await kubectl(
        "get",
        "clustergateway",
        "broken",
        "-o=jsonpath={.status.conditions[0].message}",
      );
      return stdout.startsWith("key ca.crt is missing");
    });
    await waitFor("the Event", async () => {
      const { stdout } = await kubectl("-n", secretNamespace, "get", "events", "-o", "name");
      return stdout.includes("broken.");
    });
    const patch = JSON.stringify({
      spec: {
        access: {
          endpoint: { type: "ClusterProxy", clusterProxy: { caBundle: base64(authority.caPem) } },
        },
      },
    });
    const repaired = await kubectl(
      "patch",
      "clustergateway",
      "broken",
      "--type=merge",
      "-p",
      patch,
    );
    assert.equal(repaired.code, 0, repaired.stderr);
    const { stdout } = await kubectl("get", "clustergateway", "broken", "-o=jsonpath={.status}");
    assert.equal(stdout, '{"healthy":false}');
  });

  it("deletes one, and all that are selected", async () => {
    assert.match((await kubectl("delete", "clustergateway", "broken")).stdout, /deleted/);
    assert.match((await kubectl("delete", "clustergateway", "broken")).stderr, /NotFound/);
    const path = `${root}?labelSelector=tier%3Dgold`;
    assert.equal((await bed.hub.api.send({ method: "DELETE", path })).status, 200);
    const left = await kubectl("get", "clustergateways", "-o", "name");
    assert.doesNotMatch(left.stdout, /made/);
    assert.match(left.stdout, /applied/);
  });

  it("lets only those write whom the hub lets", async () => {
    const alice = await bed.hub.kubeconfigFor("alice");
    const refused = await bed.kubectl(alice, ["create", "-f", "-"], JSON.stringify(manifest("x")));
    assert.match(refused.stderr, /alice.*cannot create resource "clustergateways"/);
  });

  it("is in nobody's way: the hub collects garbage and ends namespaces, with the gateway and without", async () => {
    const path = "/api/v1/namespaces/default/configmaps";
    const collects = async (name: string) => {
      const { body } = await bed.hub.api.send({
        method: "POST",
        path,
        body: { metadata: { name: `${name}-owner` } },
      });
      const { uid } = (body as { metadata: { uid: string } }).metadata;
      const owner = { apiVersion: "v1", kind: "ConfigMap", name: `${name}-owner`, uid };
      await bed.hub.api.create(path, { metadata: { name, ownerReferences: [owner] } });
      await bed.hub.kubectl(["create", "namespace", name]);
      await bed.hub.kubectl(["delete", "namespace", name, "--wait=false"]);
      await bed.hub.api.send({ method: "DELETE", path: `${path}/${name}-owner` });
      const isGone = async (what: string) =>
        (await bed.hub.api.send({ path: what })).status === 404;
      await waitFor("the garbage", async () => isGone(`${path}/${name}`));
      await waitFor("the namespace", async () => isGone(`/api/v1/namespaces/${name}`));
    };
    await feed(manifest("owner"), "create");
    const shown = await bed.hub.api.send({ path: `${root}/owner` });
    const { uid } = (shown.body as { metadata: { uid: string } }).metadata;
    const { apiVersion, kind } = manifest("owner");
    const ownerReferences = [{ apiVersion, kind, name: "owner", uid }];
    await bed.hub.api.create(path, { metadata: { name: "owned", ownerReferences } });
    await kubectl("delete", "clustergateway", "owner");
    await waitFor("what a ClusterGateway owned", async () => {
      return (await bed.hub.api.send({ path: `${path}/owned` })).status === 404;
    });
    await collects("with");
    await bed.stopGateway();
    await collects("without");
  });
});
