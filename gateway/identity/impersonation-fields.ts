import type { RawHeaders } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import { authenticatedGroup, type User } from "../authentication/user.ts";
import { escapeKey, fieldOfText } from "./header-text.ts";

/**
 * The fields with which an account asks a managed API server to act as a user. `system:authenticated`
 * is left out: API servers add it by themselves. Throws a GatewayError `forbidden` for a user whose
 * name or group would arrive as another one.
 */
export function impersonationFields({ name, uid, groups, extra }: User): RawHeaders {
  const fields = ["impersonate-user", value("name", name)];
  for (const group of groups) {
    if (group !== authenticatedGroup) fields.push("impersonate-group", value("group", group));
  }
  if (uid !== undefined && uid !== "") fields.push("impersonate-uid", value("uid", uid));
  for (const [key, values] of Object.entries(extra)) {
    for (const item of values) {
      if (item === "") continue;
      fields.push(`impersonate-extra-${escapeKey(key)}`, value(`extra ${key}`, item));
    }
  }
  return fields;
}

function value(what: string, text: string): string {
  const field = fieldOfText(text);
  if (field !== undefined) return field;
  throw new GatewayError(
    "forbidden",
    `Cannot act as ${JSON.stringify(text)} on a managed cluster: a ${what} like this cannot be carried`,
  );
}
