/**
 * Header fields as they came: name, value, name, value, … Order, number and case are kept, so that
 * what is forwarded is what was sent. This is the form of `rawHeaders` in Node.
 */
export type RawHeaders = readonly string[];

/** The fields one by one, names in lower case. */
export function* fieldsOf(headers: RawHeaders): Generator<[name: string, value: string]> {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    yield [(headers[at] ?? "").toLowerCase(), headers[at + 1] ?? ""];
  }
}

/** Every value of one field, in order. `name` is in lower case. */
export function headerValues(headers: RawHeaders, name: string): readonly string[] {
  const values: string[] = [];
  for (const [field, value] of fieldsOf(headers)) if (field === name) values.push(value);
  return values;
}

/** The first value of one field. `name` is in lower case. */
export function headerValue(headers: RawHeaders, name: string): string | undefined {
  for (const [field, value] of fieldsOf(headers)) {
    if (field === name) return value;
  }
  return undefined;
}

/** The fields as Node's HTTP/2 takes them where it takes no list. */
export function headerRecord(headers: RawHeaders): Record<string, string[]> {
  const record: Record<string, string[]> = {};
  for (const [name, value] of fieldsOf(headers)) (record[name] ??= []).push(value);
  return record;
}
