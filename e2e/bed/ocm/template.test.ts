import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BedError } from "../bed-error.ts";
import { renderTemplate } from "./template.ts";

describe("renderTemplate()", () => {
  it("fills names in, with any spacing", () => {
    const template = "a: {{ .Name }}\nb: {{.Name}}-x";
    assert.equal(renderTemplate(template, { Name: "n" }), "a: n\nb: n-x");
  });

  it("leaves out conditional and repeated parts, nested ones too", () => {
    const template = [
      "labels:",
      "  {{ if gt (len .Labels) 0 }}",
      "  {{ range $key, $value := .Labels }}",
      '  "{{ $key }}": "{{ $value }}"',
      "  {{ end }}",
      "  {{ end }}",
      "rules: []",
    ];
    assert.equal(renderTemplate(template.join("\n"), {}), "labels:\nrules: []");
  });

  it("refuses a name that has no value", () => {
    assert.throws(() => renderTemplate("{{ .Unknown }}", {}), BedError);
  });
});
