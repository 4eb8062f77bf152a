import type { KubeObject } from "#api";
import type { ObjectCache } from "#kube";
import {
  accountOfRights,
  type RightsBody,
  type RightsKind,
  type RightsObject,
  rightsKey,
} from "./rights-object.ts";

type RightsCache = Pick<ObjectCache<KubeObject & RightsBody>, "onChange" | "list">;

/** The objects that give rights, by the account that they are for. */
export class RightsIndex {
  readonly #byAccount = new Map<string, Map<string, RightsObject>>();
  readonly #agentNamespace: string;

  constructor(agentNamespace: string) {
    this.#agentNamespace = agentNamespace;
  }

  /** Takes over what the cache knows and will hear. */
  follow(kind: RightsKind, cache: RightsCache): void {
    for (const object of cache.list()) this.#put({ kind, object });
    cache.onChange(({ before, after }) => {
      if (before !== undefined) this.#drop({ kind, object: before });
      if (after !== undefined) this.#put({ kind, object: after });
    });
  }

  of(account: string): readonly RightsObject[] {
    return [...(this.#byAccount.get(account)?.values() ?? [])];
  }

  #put(rights: RightsObject): void {
    const account = accountOfRights(rights.object, this.#agentNamespace);
    if (account === undefined) return;
    const known = this.#byAccount.get(account) ?? new Map<string, RightsObject>();
    this.#byAccount.set(account, known.set(rightsKey(rights), rights));
  }

  #drop(rights: RightsObject): void {
    const account = accountOfRights(rights.object, this.#agentNamespace);
    if (account === undefined) return;
    const known = this.#byAccount.get(account);
    known?.delete(rightsKey(rights));
    if (known?.size === 0) this.#byAccount.delete(account);
  }
}
