import { serviceAccountOf } from "#api";
import { fieldsOf, isIdentityHeader, type RawHeaders } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import { type User, withAuthenticated } from "../authentication/user.ts";
import type { Authorize } from "../authorization/access-review.ts";
import type { Attributes } from "../authorization/attributes.ts";
import { textOfField, unescapeKey } from "./header-text.ts";

/** Whom a request wants to be instead of who it is, as `--as` and its like say it. */
export interface Wish {
  readonly user: User;
  /** The groups that were named; `user` has those as well that come with the name. */
  readonly namedGroups: readonly string[];
}

const extraPrefix = "impersonate-extra-";

/**
 * Reads `Impersonate-*`. `undefined` without any. Throws a GatewayError `bad_request` for a wish
 * that can be read in more than one way, or that is not whole.
 */
export function readWish(headers: RawHeaders): Wish | undefined {
  const said: Said = { names: [], uids: [], groups: [], extra: {} };
  let isWished = false;
  for (const [field, value] of fieldsOf(headers)) {
    if (!field.startsWith("impersonate") || !isIdentityHeader(field)) continue;
    isWished = true;
    note(said, field, textOfField(value) ?? unclear(`${field} is no UTF-8`));
  }
  return isWished ? wishOf(said) : undefined;
}

/** All that the fields say, before it is known whether it fits together. */
interface Said {
  readonly names: string[];
  readonly uids: string[];
  readonly groups: string[];
  readonly extra: Record<string, string[]>;
}

function note({ names, uids, groups, extra }: Said, field: string, value: string): void {
  if (field === "impersonate-user") names.push(value);
  else if (field === "impersonate-group") groups.push(value);
  else if (field === "impersonate-uid") uids.push(value);
  else if (field.startsWith(extraPrefix)) {
    (extra[unescapeKey(field.slice(extraPrefix.length))] ??= []).push(value);
  } else unclear(`${field} is not known`);
}

function wishOf({ names, uids, groups, extra }: Said): Wish {
  const [name = "", ...otherNames] = names;
  const [uid, ...otherUids] = uids;
  if (name === "") unclear("no user is named");
  if (otherNames.length > 0 || otherUids.length > 0) unclear("more than one user or uid is named");
  const user = { name, groups: wholeGroups(name, groups), extra };
  return { user: uid === undefined ? user : { ...user, uid }, namedGroups: groups };
}

function unclear(why: string): never {
  throw new GatewayError("bad_request", `Cannot impersonate: ${why}`);
}

/** What a user who was named without groups is in, as API servers see it. */
function wholeGroups(name: string, groups: readonly string[]): readonly string[] {
  const account = groups.length > 0 ? undefined : serviceAccountOf(name);
  if (account === undefined) return withAuthenticated(name, groups);
  const own = ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`];
  return withAuthenticated(name, own);
}

/**
 * Lets somebody be whom he wishes to be, if the hub lets him impersonate everything about that user.
 * Throws a GatewayError `forbidden`, or `hub_unavailable`.
 */
export async function grantWish(
  { user: { name, uid, extra }, namedGroups }: Wish,
  asker: User,
  authorize: Authorize,
): Promise<void> {
  const account = serviceAccountOf(name);
  const questions = [
    account === undefined
      ? attributes("", "users", name)
      : attributes("", "serviceaccounts", account.name, account.namespace),
    ...namedGroups.map((group) => attributes("", "groups", group)),
    ...(uid === undefined ? [] : [attributes(authenticationGroup, "uids", uid)]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({
        ...attributes(authenticationGroup, "userextras", value),
        subresource: key,
      })),
    ),
  ];
  await Promise.all(questions.map(async (question) => authorize(asker, question)));
}

const authenticationGroup = "authentication.k8s.io";

function attributes(
  group: string,
  resource: string,
  name: string,
  namespace?: string,
): Extract<Attributes, { kind: "resource" }> {
  const what = { group, version: "v1", resource, subresource: "", name };
  return {
    kind: "resource",
    verb: "impersonate",
    ...what,
    ...(namespace === undefined ? {} : { namespace }),
  };
}
