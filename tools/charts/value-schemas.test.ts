import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { chartNames, valueSchemas } from "./value-schemas.ts";

const root = new URL("../../", import.meta.url);

function chartFile(chart: string, file: string): Record<string, unknown> {
  const text = readFileSync(new URL(`helm/${chart}/${file}`, root), "utf8");
  return parse(text) as Record<string, unknown>;
}

/** What Helm makes of defaults and the values of a user: maps are merged, the rest replaced. */
function mergeValues(
  defaults: Record<string, unknown>,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = { ...defaults };
  for (const [key, value] of Object.entries(values)) {
    merged[key] = isMap(value) && isMap(merged[key]) ? mergeValues(merged[key], value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

describe("valueSchemas", () => {
  for (const chart of chartNames) {
    it(`${chart}: the defaults fit, and every value has one`, () => {
      const values = chartFile(chart, "values.yaml");
      assert.deepEqual(valueSchemas[chart].parse(values), values);
      const known = Object.keys(valueSchemas[chart].shape).filter((key) => key !== "global");
      assert.deepEqual(Object.keys(values).toSorted(), known.toSorted());
    });

    it(`${chart}: has the version of the package`, () => {
      const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
      const chartYaml = chartFile(chart, "Chart.yaml");
      assert.deepEqual([chartYaml["version"], chartYaml["appVersion"]], [version, version]);
    });
  }

  const wrong = [
    { chart: "cluster-proxy", values: { replicas: "abc" }, at: ["replicas"] },
    { chart: "cluster-proxy", values: { replica: 1 }, at: [] },
    {
      chart: "cluster-proxy",
      values: { proxyServer: { port: 0 } },
      at: ["proxyServer", "port"],
    },
    {
      chart: "managed-serviceaccount",
      values: { hubDeployMode: "Job" },
      at: ["hubDeployMode"],
    },
    {
      chart: "cluster-gateway-addon-manager",
      values: { konnectivityEgress: "yes" },
      at: ["konnectivityEgress"],
    },
    {
      chart: "cluster-gateway-addon-manager",
      values: { clusterGateway: { image: undefined } },
      at: ["clusterGateway", "image"],
    },
  ] as const;
  for (const { chart, values, at } of wrong) {
    it(`${chart}: refuses ${JSON.stringify(values)}`, () => {
      const merged = mergeValues(chartFile(chart, "values.yaml"), values);
      const { error } = valueSchemas[chart].safeParse(merged);
      assert.deepEqual(
        error?.issues.map(({ path }) => path),
        [at],
      );
    });
  }

  it("lets a parent chart pass global values", () => {
    for (const chart of chartNames) {
      const values = { ...chartFile(chart, "values.yaml"), global: { imageRegistry: "x" } };
      assert.ok(valueSchemas[chart].safeParse(values).success);
    }
  });
});
