import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AuditedFacts,
  AuditPolicyError,
  metadataOfAll,
  parseAuditPolicy,
} from "./audit-policy.ts";

const facts: AuditedFacts = {
  user: "alice",
  groups: ["devs", "system:authenticated"],
  verb: "get",
  group: "",
  version: "v1",
  resource: "pods",
  subresource: "",
  name: "web",
  namespace: "shop",
  path: "/api/v1/namespaces/shop/pods/web",
};

const header = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";

function levelBy(rules: string, changed: Partial<AuditedFacts> = {}): string {
  return parseAuditPolicy(`${header}rules: ${rules}`, "policy.yaml")({ ...facts, ...changed })
    .level;
}

describe("an audit policy", () => {
  it("records everything where there is none", () => {
    assert.equal(metadataOfAll(facts).level, "Metadata");
  });

  const rules: readonly (readonly [
    rules: string,
    changed: Partial<AuditedFacts>,
    isKept: boolean,
  ])[] = [
    ["[{level: Metadata}]", {}, true],
    ["[{level: None}]", {}, false],
    ["[{level: RequestResponse}]", {}, true],
    ["[{level: None, users: [alice]}, {level: Metadata}]", {}, false],
    ["[{level: None, users: [alice]}, {level: Metadata}]", { user: "bob" }, true],
    ["[{level: Metadata, users: [alice]}]", { user: "bob" }, false],
    ["[{level: None, userGroups: [devs]}, {level: Metadata}]", {}, false],
    ["[{level: None, verbs: [watch, list]}, {level: Metadata}]", {}, true],
    ["[{level: None, verbs: [watch, list]}, {level: Metadata}]", { verb: "watch" }, false],
    ["[{level: None, namespaces: [shop]}, {level: Metadata}]", {}, false],
    ["[{level: None, namespaces: [shop]}, {level: Metadata}]", { namespace: "" }, true],
    ['[{level: None, resources: [{group: ""}]}, {level: Metadata}]', {}, false],
    ["[{level: None, resources: [{group: apps}]}, {level: Metadata}]", {}, true],
    ['[{level: None, resources: [{group: "", resources: [pods]}]}, {level: Metadata}]', {}, false],
    [
      '[{level: None, resources: [{group: "", resources: [pods]}]}, {level: Metadata}]',
      { subresource: "log" },
      true,
    ],
    [
      '[{level: None, resources: [{group: "", resources: [pods/log]}]}, {level: Metadata}]',
      { subresource: "log" },
      false,
    ],
    [
      '[{level: None, resources: [{group: "", resources: ["*/log"]}]}, {level: Metadata}]',
      { subresource: "log" },
      false,
    ],
    [
      '[{level: None, resources: [{group: "", resources: ["pods/*"]}]}, {level: Metadata}]',
      {},
      false,
    ],
    [
      '[{level: None, resources: [{group: "", resources: [pods], resourceNames: [db]}]}, {level: Metadata}]',
      {},
      true,
    ],
    ['[{level: None, nonResourceURLs: ["/healthz*"]}, {level: Metadata}]', {}, true],
    [
      '[{level: None, nonResourceURLs: ["/healthz*"]}, {level: Metadata}]',
      { resource: "", path: "/healthz/etcd" },
      false,
    ],
    [
      '[{level: None, nonResourceURLs: ["/version"]}, {level: Metadata}]',
      { resource: "", path: "/version/x" },
      true,
    ],
    [
      "[{level: None, namespaces: [shop]}, {level: Metadata}]",
      { resource: "", namespace: "", path: "/version" },
      true,
    ],
  ];
  for (const [text, changed, isKept] of rules) {
    it(`${text} ${isKept ? "records" : "leaves out"} ${JSON.stringify(changed)}`, () => {
      assert.equal(levelBy(text, changed), isKept ? "Metadata" : "None");
    });
  }

  it("leaves out the stages that the whole or the rule names", () => {
    const text = `${header}omitStages: [ResponseStarted]\nrules: [{level: Metadata, omitStages: [Panic]}]`;
    const { omitted } = parseAuditPolicy(text, "policy.yaml")(facts);
    assert.deepEqual([...omitted], ["ResponseStarted", "Panic"]);
  });

  const wrong: readonly (readonly [text: string, named: RegExp])[] = [
    ["a: [", /policy\.yaml is no YAML/],
    [`${header}rules: []`, /rules/],
    [`${header}rules: [{level: Everything}]`, /rules\[0\]\.level/],
    [`${header}rules: [{level: None, user: [a]}]`, /user/],
    ["kind: Policy\napiVersion: audit.k8s.io/v1beta1\nrules: [{level: None}]", /apiVersion/],
  ];
  for (const [text, named] of wrong) {
    it(`is refused with the field's name: ${text.split("\n").at(-1)}`, () => {
      assert.throws(
        () => parseAuditPolicy(text, "policy.yaml"),
        (error: unknown) => error instanceof AuditPolicyError && named.test(error.message),
      );
    });
  }
});
