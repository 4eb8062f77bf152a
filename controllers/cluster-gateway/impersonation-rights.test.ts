import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { identityPolicy } from "#api";
import { impersonationRights } from "./impersonation-rights.ts";

const account = { namespace: "accounts", name: "cluster-gateway" };

/** The rights on cluster `c1`, one line for each: kind, namespace, then resource and names. */
function rightsFor(policy: object): readonly string[] {
  const parsed = identityPolicy.parse({ mode: "Impersonate", ...policy });
  return impersonationRights(parsed, "c1", account).flatMap((manifest) => {
    const {
      kind,
      metadata,
      rules = [],
    } = manifest as unknown as {
      kind: string;
      metadata: { namespace?: string };
      rules?: { resources: string[]; resourceNames?: string[]; verbs: string[] }[];
    };
    return rules.map(({ resources, resourceNames = ["(all)"], verbs }) =>
      [verbs.join(), kind, metadata.namespace ?? "-", resources.join(), resourceNames.join()].join(
        " ",
      ),
    );
  });
}

const uids = "impersonate ClusterRole - uids (all)";

describe("impersonationRights()", () => {
  const rule = (target: object, source: object = { user: "ann" }) => ({
    name: "r",
    type: "StaticMappingIdentityExchanger",
    source,
    target,
  });
  const cases: Readonly<Record<string, readonly [policy: object, want: readonly string[]]>> = {
    "are none where everyone acts as the account": [{ mode: "Shared" }, []],
    "are none on a cluster that is an exception": [
      { clusters: [{ names: ["c*"], mode: "Shared" }] },
      [],
    ],
    "are for all users and no group by default": [
      {},
      ["impersonate ClusterRole - users (all)", uids],
    ],
    "are by name where the policy names users and groups": [
      { users: ["bob", "ann"], groups: ["devs"] },
      ["impersonate ClusterRole - users ann,bob", "impersonate ClusterRole - groups devs", uids],
    ],
    "are for all groups only where the policy says so": [
      { users: ["ann"], groups: ["*"] },
      ["impersonate ClusterRole - users ann", "impersonate ClusterRole - groups (all)", uids],
    ],
    "leave out names that are never produced": [
      { users: ["ann", "system:admin"], groups: ["system:masters"] },
      ["impersonate ClusterRole - users ann", uids],
    ],
    "name the keys of extra": [
      { users: ["ann"], extras: ["scopes", "acme.com/org"] },
      [
        "impersonate ClusterRole - users ann",
        uids,
        "impersonate ClusterRole - userextras/scopes,userextras/acme.com/org (all)",
      ],
    ],
    "add the targets of rules": [
      { users: ["ann"], rules: [rule({ user: "bot", groups: ["ops", "system:authenticated"] })] },
      ["impersonate ClusterRole - users ann,bot", "impersonate ClusterRole - groups ops", uids],
    ],
    "are in the namespace of an account that a rule names": [
      { users: ["ann"], rules: [rule({ user: "system:serviceaccount:apps:deployer" })] },
      [
        "impersonate ClusterRole - users ann",
        uids,
        "impersonate Role apps serviceaccounts deployer",
      ],
    ],
    "know nothing of rules about other clusters, and of wrong ones": [
      {
        users: ["ann"],
        rules: [
          rule({ user: "x" }, { cluster: "c2" }),
          rule({ user: "y" }, { clusterPattern: "c" }),
          rule({ user: "z", groups: ["system:masters"] }),
        ],
      },
      ["impersonate ClusterRole - users ann", uids],
    ],
  };
  for (const [name, [policy, want]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(rightsFor(policy), want));
  }

  it("are bound to the gateway's account alone", () => {
    const [, binding] = impersonationRights(
      identityPolicy.parse({ mode: "Impersonate" }),
      "c1",
      account,
    );
    const { kind, subjects } = binding as unknown as { kind: string; subjects: unknown };
    assert.equal(kind, "ClusterRoleBinding");
    assert.deepEqual(subjects, [{ kind: "ServiceAccount", ...account }]);
  });
});
