import { UsageError } from "./flags.ts";

const label = /^(?<key>[A-Za-z0-9./_-]+)=(?<value>[A-Za-z0-9._-]*)$/;

/** Reads labels as `a=b,c=d`. Throws a UsageError that names the flag. */
export function parseLabels(flag: string, text: string): Readonly<Record<string, string>> {
  const entries = text.split(",").map((item) => {
    const { key = "", value = "" } = label.exec(item.trim())?.groups ?? {};
    if (key !== "") return [key, value] as const;
    throw new UsageError(`Cannot use --${flag}=${text}: expected labels such as a=b,c=d`);
  });
  return Object.fromEntries(entries);
}
