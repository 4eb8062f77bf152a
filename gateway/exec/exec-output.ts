import * as z from "zod";
import type { ExecConfig, ReadyCredential } from "../clusters/cluster.ts";
import { isBearerToken } from "../clusters/material.ts";

/** What a command handed out, and until when it says it counts. */
export interface IssuedCredential {
  readonly credential: ReadyCredential;
  readonly expiresAt: Date | undefined;
}

const execCredential = z.looseObject({
  apiVersion: z.string(),
  kind: z.literal("ExecCredential").optional(),
  status: z
    .looseObject({
      token: z.string().nullish(),
      clientCertificateData: z.string().nullish(),
      clientKeyData: z.string().nullish(),
      expirationTimestamp: z.string().nullish(),
    })
    .optional(),
});

/** The output of a command that is no credential. The message never quotes it. */
export class ExecOutputError extends Error {
  override readonly name = "ExecOutputError";
}

/** Reads the output of a command, an ExecCredential of the version that was asked for. Pure. */
export function readExecOutput(output: string, { apiVersion }: ExecConfig): IssuedCredential {
  const parsed = execCredential.safeParse(parseJson(output));
  if (!parsed.success) {
    throw new ExecOutputError("decoding stdout: it is not an ExecCredential");
  }
  const { apiVersion: answered, status } = parsed.data;
  if (answered !== apiVersion) {
    throw new ExecOutputError(
      `exec plugin is configured to use API version ${apiVersion}, plugin returned another version`,
    );
  }
  if (status === undefined) throw new ExecOutputError("exec plugin didn't return a status field");
  const expiresAt = timeOf(status.expirationTimestamp ?? undefined);
  return { credential: credentialOf(status), expiresAt };
}

type Status = NonNullable<z.infer<typeof execCredential>["status"]>;

/** A token wins over a certificate, as upstream has it. */
function credentialOf({ token, clientCertificateData, clientKeyData }: Status): ReadyCredential {
  const given = token ?? "";
  if (given === "") return pairOf(clientCertificateData ?? "", clientKeyData ?? "");
  if (isBearerToken(given)) return { kind: "token", token: given };
  throw new ExecOutputError("exec plugin returned a token with a character that no token has");
}

function pairOf(cert: string, key: string): ReadyCredential {
  if (cert !== "" && key !== "") return { kind: "certificate", cert, key };
  throw new ExecOutputError(
    cert === "" && key === ""
      ? "exec plugin didn't return a token or cert/key pair"
      : "exec plugin returned only certificate or key, not both",
  );
}

function timeOf(timestamp: string | undefined): Date | undefined {
  const date = new Date(timestamp ?? Number.NaN);
  if (timestamp === undefined) return undefined;
  if (!Number.isNaN(date.getTime())) return date;
  throw new ExecOutputError("exec plugin returned an expirationTimestamp that is no time");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not the cause: its message quotes the text.
    throw new ExecOutputError("decoding stdout: it is not JSON");
  }
}
