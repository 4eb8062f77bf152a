import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeClient } from "#kube";
import { createAuthorize } from "./access-review.ts";
import type { Attributes } from "./attributes.ts";

const attributes: Attributes = {
  kind: "resource",
  verb: "get",
  group: "cluster.core.oam.dev",
  version: "v1alpha1",
  resource: "clustergateways",
  subresource: "proxy",
  name: "managed1",
};
const ann = { name: "ann", uid: "7", groups: ["devs"], extra: { scopes: ["a"] } };

/** A hub that decides as told, and writes down what it was asked. */
function hub(decide: () => unknown) {
  const asked: unknown[] = [];
  const create = (_type: unknown, { spec }: { spec?: unknown }) => {
    asked.push(spec);
    return Promise.resolve(decide());
  };
  return { asked, client: { create } as unknown as Pick<KubeClient, "create"> };
}

describe("createAuthorize()", () => {
  it("asks the hub with the whole user and the attributes, once for many", async () => {
    const { asked, client } = hub(() => ({ status: { allowed: true } }));
    const authorize = createAuthorize(client);
    await Promise.all([authorize(ann, attributes), authorize(ann, attributes)]);
    assert.equal(authorize(ann, attributes), undefined);
    const { kind: _kind, ...resourceAttributes } = attributes;
    assert.deepEqual(asked, [
      { user: "ann", uid: "7", groups: ["devs"], extra: { scopes: ["a"] }, resourceAttributes },
    ]);
  });

  it("keeps verbs, names and users apart", async () => {
    const { asked, client } = hub(() => ({ status: { allowed: true } }));
    const authorize = createAuthorize(client);
    await authorize(ann, attributes);
    await authorize(ann, { ...attributes, verb: "create" });
    await authorize(ann, { ...attributes, name: "managed2" });
    await authorize({ ...ann, groups: [] }, attributes);
    assert.equal(asked.length, 4);
  });

  it("says who may not do what, and why", async () => {
    const { client } = hub(() => ({ status: { allowed: false, reason: "no rule" } }));
    const forbidden = createAuthorize(client)(ann, attributes);
    await assert.rejects(async () => forbidden, {
      code: "forbidden",
      message:
        'clustergateways.cluster.core.oam.dev "managed1" is forbidden: User "ann" cannot get resource "clustergateways/proxy" in API group "cluster.core.oam.dev" at the cluster scope: no rule',
    });
  });

  it("asks about paths as paths", async () => {
    const { asked, client } = hub(() => ({ status: { allowed: true } }));
    await createAuthorize(client)(ann, { kind: "path", verb: "get", path: "/metrics" });
    const [spec] = asked as { nonResourceAttributes: unknown }[];
    assert.deepEqual(spec?.nonResourceAttributes, { path: "/metrics", verb: "get" });
  });

  it("lets system:masters pass without asking", () => {
    const { asked, client } = hub(() => undefined);
    const root = { ...ann, groups: ["system:masters"] };
    assert.deepEqual([createAuthorize(client)(root, attributes), asked], [undefined, []]);
  });

  it("refuses for the moment when the hub does not answer, and remembers nothing", async () => {
    let isUp = false;
    const { client } = hub(() => {
      if (!isUp) throw new Error("down");
      return { status: { allowed: true } };
    });
    const authorize = createAuthorize(client);
    await assert.rejects(async () => authorize(ann, attributes), { code: "hub_unavailable" });
    isUp = true;
    await authorize(ann, attributes);
  });
});
