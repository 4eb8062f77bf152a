import { ProxyError } from "./proxy-error.ts";

/** A request target in two parts, byte for byte as it was sent. */
export interface Target {
  /** Begins with a slash; percent-encoding untouched. */
  readonly path: string;
  /** Begins with a question mark, or is empty. */
  readonly query: string;
}

/** Splits a target in origin form. Throws `bad_target` for every other form. */
export function parseTarget(target: string): Target {
  if (!target.startsWith("/")) throw badTarget("is not a path");
  const at = target.indexOf("?");
  return at < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, at), query: target.slice(at) };
}

/** The first segments of a path, decoded, and the rest of it, untouched. */
export interface SplitPath {
  readonly segments: readonly string[];
  /** Empty, or begins with a slash. */
  readonly rest: string;
}

/**
 * Takes up to `count` segments off the front of a raw path. Segments are decoded one by one, so
 * that an encoded slash never makes two of one; the rest keeps its trailing and encoded slashes.
 */
export function splitPath(path: string, count: number): SplitPath {
  const segments: string[] = [];
  let at = 0;
  while (segments.length < count && at < path.length) {
    const next = path.indexOf("/", at + 1);
    const end = next < 0 ? path.length : next;
    segments.push(decode(path.slice(at + 1, end)));
    at = end;
  }
  return { segments, rest: path.slice(at) };
}

/**
 * Joins a base path and a rest into a path for the upstream. An empty rest means the root.
 *
 * Throws `bad_target` if the rest, as it is or decoded, has a `.` or `..` segment, a backslash or a
 * control character: the upstream would read another path than the one that was authorized.
 */
export function forwardPath(rest: string, basePath = ""): string {
  const path = rest === "" ? "/" : rest;
  const plain = decode(path);
  if (hasControlCharacter(plain) || plain.includes("\\")) {
    throw badTarget("has a control character or a backslash");
  }
  if (plain.split("/").some((segment) => segment === "." || segment === "..")) {
    throw badTarget("has a dot segment");
  }
  return basePath === "" || basePath === "/" ? path : basePath.replace(/\/+$/, "") + path;
}

/** Decodes once, byte by byte: what is not UTF-8 is still compared, and only a broken escape throws. */
function decode(text: string): string {
  if (!text.includes("%")) return text;
  if (/%(?![0-9a-f]{2})/i.test(text)) throw badTarget("has a broken escape");
  return text.replaceAll(/%[0-9a-f]{2}/gi, (escape) =>
    String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
  );
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function badTarget(why: string): ProxyError {
  return new ProxyError("bad_target", `Cannot forward request: path ${why}`);
}
