const strict = new TextDecoder("utf-8", { fatal: true });

/**
 * The text of a field's value. Node reads bytes as Latin-1, and names are UTF-8. `undefined` for
 * bytes that are no UTF-8: two such names could look like one.
 */
export function textOfField(value: string): string | undefined {
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  try {
    return strict.decode(Buffer.from(value, "latin1"));
  } catch {
    return undefined;
  }
}

/**
 * A text as the value of a field, or `undefined` when it would not arrive as it is: control
 * characters, and spaces at either end, which every reader takes away.
 */
export function fieldOfText(text: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (text === "" || text.trim() !== text || /[\0-\x1f\x7f]/.test(text)) return undefined;
  return /^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** A key as part of a field's name, as API servers escape it. */
export function escapeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll(/[()]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
    .toLowerCase();
}

/** The key in a field's name. An escape that is none is taken as it stands, as API servers do. */
export function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key).toLowerCase();
  } catch {
    return key;
  }
}
