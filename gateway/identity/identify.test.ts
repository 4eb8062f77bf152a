import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { User } from "../authentication/user.ts";
import { defaultSettings, faultsOf, parseSettings } from "./configuration.ts";
import { type Act, createIdentify } from "./identify.ts";

const makeUser = (name: string, ...groups: readonly string[]): User => ({
  name,
  groups,
  extra: {},
});
const makeAct = (name: string, overrides: Partial<Act> = {}): Act => ({
  cluster: { name },
  method: "GET",
  path: "/api/v1/pods",
  query: "",
  ...overrides,
});
const ann = makeUser("ann", "devs", "system:authenticated");

/** Who acts, shortly: `account`, a user with groups, or the refusal. */
async function whoActs(text: string, user: User, act: Act): Promise<string> {
  const settings = parseSettings(text, "Impersonate", "the file");
  const identify = createIdentify({
    settings: () => settings,
    exchange: (url) => Promise.resolve({ kind: "user", user: makeUser(`by ${url.host}`) }),
    onFault: () => undefined,
  });
  try {
    const actor = await identify(user, act);
    return actor.kind === "account" ? "account" : [actor.user.name, ...actor.user.groups].join(" ");
  } catch (error) {
    return (error as Error).message;
  }
}

const rule = (rest: string): string => `spec: {clientIdentityExchanger: {rules: [${rest}]}}`;

describe("createIdentify()", () => {
  const privileged = "type: PrivilegedIdentityExchanger";
  const toOps = "type: StaticMappingIdentityExchanger, target: {user: ops-bot, groups: [ops]}";
  const cases: readonly (readonly [
    what: string,
    text: string,
    want: string | RegExp,
    act?: Act,
  ])[] = [
    ["acts as the caller", "", "ann devs"],
    ["acts as the account where shared", "spec: {identity: {mode: Shared}}", "account"],
    [
      "acts as the caller where he asks for it",
      "spec: {identity: {mode: Shared}}",
      "ann devs",
      makeAct("c1", { query: "?impersonate=true" }),
    ],
    [
      "acts otherwise on clusters that are named",
      "spec: {identity: {clusters: [{names: ['edge-*'], mode: Shared}]}}",
      "account",
      makeAct("edge-1"),
    ],
    ["asks for health as the account", "", "account", makeAct("c1", { path: "/healthz" })],
    [
      "does not take a write for a question about health",
      "",
      "ann devs",
      makeAct("c1", { path: "/healthz", method: "POST" }),
    ],
    [
      "follows the first rule that is about the caller",
      rule(
        `{name: a, ${toOps}, source: {user: bob}}, {name: b, ${toOps}, source: {group: devs}}, {name: c, ${privileged}, source: {user: ann}}`,
      ),
      "ops-bot ops",
    ],
    [
      "holds all conditions of a rule together",
      rule(`{name: a, ${privileged}, source: {user: ann, cluster: c2}}`),
      "ann devs",
    ],
    [
      "asks an external exchanger",
      rule(
        "{name: a, type: ExternalIdentityExchanger, url: 'https://who.acme', source: {user: ann}}",
      ),
      "by who.acme",
    ],
    [
      "takes a pattern for the whole name",
      rule(`{name: a, ${privileged}, source: {userPattern: an}}`),
      "ann devs",
    ],
    [
      "matches patterns of user, group and cluster",
      rule(
        `{name: a, ${privileged}, source: {userPattern: 'a.*', groupPattern: 'dev.?', clusterPattern: 'c[0-9]'}}`,
      ),
      "account",
    ],
    ["takes a rule without source for nobody", rule(`{name: a, ${privileged}}`), "ann devs"],
    [
      "refuses with a rule that has an empty source",
      rule(`{name: a, ${privileged}, source: {}}`),
      /rule "a" .*source is empty/,
    ],
    [
      "refuses whom a wrong pattern may mean",
      rule(`{name: a, ${privileged}, source: {userPattern: '('}}`),
      /rule "a" .*source\.userPattern: missing \)/,
    ],
    [
      "lets others pass a wrong rule",
      rule(`{name: a, ${privileged}, source: {user: bob, groupPattern: '('}}`),
      "ann devs",
    ],
    [
      "refuses with an unknown type",
      rule("{name: a, type: Other, source: {user: ann}}"),
      /rule "a" in the file is wrong: .*type/s,
    ],
    [
      "refuses with a target that is root",
      rule(
        "{name: a, type: StaticMappingIdentityExchanger, source: {user: ann}, target: {user: x, groups: ['system:masters']}}",
      ),
      /system:masters": a group of the cluster's own/,
    ],
    [
      "refuses with a target without a user",
      rule(
        "{name: a, type: StaticMappingIdentityExchanger, source: {user: ann}, target: {groups: [ops]}}",
      ),
      /target\.user is missing/,
    ],
    [
      "takes a managed ServiceAccount for a target",
      rule(
        "{name: a, type: StaticMappingIdentityExchanger, source: {user: ann}, target: {user: 'system:serviceaccount:apps:deployer'}}",
      ),
      "system:serviceaccount:apps:deployer",
    ],
    [
      "refuses with a url that is not verified",
      rule("{name: a, type: ExternalIdentityExchanger, url: 'http://x', source: {user: ann}}"),
      /no https URL/,
    ],
    ["names a rule without a name by its place", rule("{source: {user: bob}}, 7"), "ann devs"],
  ];
  for (const [what, text, want, act] of cases) {
    it(what, async () => {
      const shown = await whoActs(text, ann, act ?? makeAct("c1"));
      if (want instanceof RegExp) assert.match(shown, want);
      else assert.equal(shown, want);
    });
  }

  const own = (proxyConfiguration: string) => ({ cluster: { name: "c1", proxyConfiguration } });
  it("follows the cluster's own rules first, and only for that cluster", async () => {
    const text = rule(`{name: g, ${privileged}, source: {user: ann}}`);
    const local = rule(`{name: l, ${toOps}, source: {cluster: other, user: ann}}`);
    assert.equal(await whoActs(text, ann, makeAct("c1", own(local))), "ops-bot ops");
    assert.equal(await whoActs(text, ann, makeAct("c2")), "account");
  });
  it("lets nobody on a cluster whose own rules cannot be read, and everybody on others", async () => {
    assert.match(
      await whoActs("", ann, makeAct("c1", own("spec: ["))),
      /annotation of cluster "c1"/,
    );
    assert.equal(await whoActs("", ann, makeAct("c2")), "ann devs");
  });
  it("asks nobody for an annotation", async () => {
    const local = rule(
      "{name: l, type: ExternalIdentityExchanger, url: 'https://x', source: {user: ann}}",
    );
    assert.match(
      await whoActs("", ann, makeAct("c1", own(local))),
      /only for rules of the gateway/,
    );
  });

  it("tells of a cluster's wrong rules once", () => {
    const faults: string[] = [];
    const identify = createIdentify({
      settings: () => defaultSettings("Impersonate"),
      exchange: () => Promise.reject(new Error("not asked")),
      onFault: (cluster, fault) => faults.push(`${cluster}: ${fault}`),
    });
    const act = makeAct("c1", own(rule("{name: l, type: X, source: {user: bob}}")));
    void identify(ann, act);
    void identify(ann, act);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? "", /^c1: identity rule "l" in the annotation/);
  });
});

describe("parseSettings()", () => {
  it("names what is wrong with the policy, and refuses the document", () => {
    assert.throws(() => parseSettings("spec: {identity: {prefix: 'system:'}}", "Shared", "f"), {
      name: "IdentityConfigurationError",
      message: /spec\.identity of f: .*prefix/s,
    });
    assert.throws(() => parseSettings("spec: {identity: 7}", "Shared", "f"), /no object/);
    assert.throws(() => parseSettings("a: &a [1]\nb: *a", "Shared", "f"), /no YAML/);
  });
  it("keeps good rules beside wrong ones, and names the wrong ones", () => {
    const text = rule(
      "{name: a, type: X}, {name: b, type: PrivilegedIdentityExchanger, source: {user: b}}",
    );
    const { rules } = parseSettings(text, "Shared", "f");
    assert.equal(rules.length, 2);
    assert.match(faultsOf(rules).join(), /^identity rule "a" in f is wrong/);
  });
});
