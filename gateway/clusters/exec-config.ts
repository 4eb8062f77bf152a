import * as z from "zod";
import type { ExecConfig } from "./cluster.ts";

/** Versions of the protocol between us and the command. */
export const execApiVersions = [
  "client.authentication.k8s.io/v1",
  "client.authentication.k8s.io/v1beta1",
] as const;

const execConfig = z.object({
  apiVersion: z.enum(execApiVersions),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z
    .array(
      z.object({
        name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
        value: z.string().default(""),
      }),
    )
    .nullish(),
});

/** Reads the `exec` of a Secret. Throws for what is not the JSON of one. */
export function parseExecConfig(json: string): ExecConfig {
  const { apiVersion, command, args, env } = execConfig.parse(JSON.parse(json));
  return { apiVersion, command, args: args ?? [], env: env ?? [] };
}
