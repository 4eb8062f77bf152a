import { type PermissionPolicy, permissionPolicy } from "#api";
import { UsageError } from "./flags.ts";

/** Reads a policy on permissions; undefined for none. Throws a UsageError that names the fault. */
export function parsePermissionPolicy(flag: string, json: string): PermissionPolicy | undefined {
  if (json === "") return undefined;
  const policy = permissionPolicy.safeParse(parseJson(flag, json));
  if (policy.success) return policy.data;
  const [issue] = policy.error.issues;
  const place = issue === undefined ? "" : `[${issue.path.join(".")}]`;
  throw new UsageError(`Cannot use --${flag}: ${place} ${issue?.message ?? ""}`);
}

function parseJson(flag: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new UsageError(`Cannot use --${flag}: it is no JSON`, { cause });
  }
}
