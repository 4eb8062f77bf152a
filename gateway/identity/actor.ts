import type { User } from "../authentication/user.ts";
import type { Pass } from "../passes/pass-store.ts";

/** Who asks: decided once for each request, before anything is done for it. */
export interface Caller {
  /** Whom the gateway knows the request to be from. */
  readonly authenticated: User;
  /** Whom the hub's rules are about: the same, or whom he impersonates and may (`--as`). */
  readonly user: User;
  /** He is an account of the managed cluster, which alone says what he may do there. */
  readonly pass?: Pass;
}

/** Who acts on the managed cluster: decided once for each request that is sent to one. */
export type Actor = {
  /** What decided: a mode, or a rule by its name. */
  readonly because: string;
} & (
  | { readonly kind: "account" }
  /** The gateway's account impersonates this user there. */
  | { readonly kind: "user"; readonly user: User }
);

/** An account of the managed cluster, which acts there with its own token and as itself. */
export interface PassActor {
  readonly kind: "pass";
  readonly because: string;
  /** Never logged. */
  readonly token: string;
}
