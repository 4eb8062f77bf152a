import { UsageError } from "./flags.ts";

/** Takes an https URL that may have a path, or nothing. Throws a UsageError for anything else. */
export function parseHttpsUrl(flag: string, text: string): string {
  if (text === "") return "";
  const url = URL.parse(text);
  const isPlain =
    url?.protocol === "https:" &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "";
  if (isPlain) return text;
  // Not the value itself: it may carry a password.
  throw new UsageError(
    `Cannot use --${flag}: expected an https URL without user, query and fragment`,
  );
}
