import { parse as parseYaml } from "yaml";
import { type Exchange, headerValue } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";

/** As much as API servers take. */
const maxBodyBytes = 3 * 1024 * 1024;

export interface Body {
  /** Without its parameters, in lower case; empty when none was given. */
  readonly mediaType: string;
  readonly text: string;
}

/** Reads the whole body of a request. Throws a GatewayError `too_large` or `bad_request`. */
export async function readBody({ body, headers }: Exchange): Promise<Body> {
  const [mediaType = ""] = (headerValue(headers, "content-type") ?? "").split(";");
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxBodyBytes) break;
      chunks.push(chunk as Buffer);
    }
  } catch (cause) {
    throw new GatewayError("bad_request", "Cannot read the body: it was cut", { cause });
  }
  if (bytes > maxBodyBytes) {
    const message = `Request entity too large: limit is ${maxBodyBytes}`;
    throw new GatewayError("too_large", message);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  return { mediaType: mediaType.trim().toLowerCase(), text };
}

const yamlTypes = new Set(["application/yaml", "application/apply-patch+yaml"]);

/**
 * Parses a body as its media type says; JSON is assumed where none is given. Throws a GatewayError
 * `bad_request`, or `unsupported_media_type` for a type that is not among `accepted`.
 */
export function parseBody({ mediaType, text }: Body, accepted: readonly string[]): unknown {
  if (mediaType !== "" && !accepted.includes(mediaType)) {
    throw new GatewayError(
      "unsupported_media_type",
      `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
    );
  }
  try {
    return yamlTypes.has(mediaType) ? parseYaml(text, { maxAliasCount: 20 }) : JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("bad_request", "the object provided is unrecognized: cannot be read", {
      cause,
    });
  }
}

/** Media types of whole objects. */
export const objectTypes = ["application/json", "application/yaml"] as const;
