import { BedError } from "../bed-error.ts";

const opens = /\{\{-?\s*(?:if|range)\b/u;
const closes = /\{\{-?\s*end\b/u;
const placeholder = /\{\{-?\s*\.(\w+)\s*-?\}\}/gu;

/**
 * Renders one of OCM's manifests without Go's template engine: every conditional or repeated part
 * is left out, since all of them are extras, and the names are filled in. Throws where a name has
 * no value, so that a new version of OCM cannot slip something past the bed.
 */
export function renderTemplate(template: string, values: Readonly<Record<string, string>>): string {
  let depth = 0;
  const kept = template.split("\n").filter((line) => {
    const isInside = depth > 0;
    if (opens.test(line)) depth += 1;
    else if (closes.test(line)) depth -= 1;
    else return !isInside;
    return false;
  });
  return kept.join("\n").replaceAll(placeholder, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new BedError("tools", `OCM's manifest names {{ .${name} }}`);
    return value;
  });
}
