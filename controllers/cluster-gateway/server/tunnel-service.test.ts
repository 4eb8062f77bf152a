import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tunnelService } from "./tunnel-service.ts";

describe("tunnelService()", () => {
  const cases: readonly (readonly [host: string, want: string | undefined])[] = [
    ["proxy-entrypoint.addons", "addons/proxy-entrypoint"],
    ["proxy-entrypoint.addons.svc", "addons/proxy-entrypoint"],
    ["proxy-entrypoint.addons.svc.cluster.local", "addons/proxy-entrypoint"],
    ["proxy-entrypoint", undefined],
    ["tunnel.example.com", undefined],
    ["10.0.0.1", undefined],
    ["fd00::1", undefined],
    ["", undefined],
  ];
  for (const [host, want] of cases) {
    it(`reads ${want ?? "no Service"} from "${host}"`, () => {
      assert.equal(tunnelService(host), want);
    });
  }
});
