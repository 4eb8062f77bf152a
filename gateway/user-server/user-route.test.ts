import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUserRoute } from "./user-route.ts";

const services = "/c1/api/v1/namespaces/ns/services";

describe("parseUserRoute()", () => {
  const service = { scheme: "https", namespace: "ns", name: "web", port: 443 };
  const toServices: readonly (readonly [
    target: string,
    service: object,
    rest: string,
    query?: string,
  ])[] = [
    ["web/proxy-service/a", service, "/a"],
    ["web/proxy-service", service, ""],
    ["web/proxy-service/", service, "/"],
    ["web:8443/proxy-service/", { ...service, port: 8443 }, "/"],
    ["https:web:/proxy-service/", service, "/"],
    [":web:443/proxy-service/", service, "/"],
    ["http:web:/proxy-service/", { ...service, scheme: "http", port: 80 }, "/"],
    ["http:web:8080/proxy-service/x%2Fy/", { ...service, scheme: "http", port: 8080 }, "/x%2Fy/"],
    ["http%3Aweb%3A80/proxy-service/", { ...service, scheme: "http", port: 80 }, "/"],
    ["web/proxy-service/a?b=/c/d", service, "/a", "?b=/c/d"],
  ];
  for (const [target, expected, rest, query = ""] of toServices) {
    it(`finds the Service in ${target}`, () => {
      const route = parseUserRoute(`${services}/${target}`);
      assert.deepEqual(route, { cluster: "c1", service: expected, rest, query });
    });
  }

  const toApi = [
    "/api/v1/pods",
    "/",
    "/api/v1/namespaces/ns/services/web/proxy/proxy-service/",
    "/api/v1/namespaces/ns/services/web",
    "/apis/v1/namespaces/ns/services/web/proxy-service/",
    "/api/v1/namespaces/ns/pods/web/proxy-service/",
    "/api/v1/pods%2F?x",
  ];
  for (const path of toApi) {
    it(`leads ${path} to the API server, as it stands`, () => {
      const [rest, query] = path.split("?");
      const expected = { cluster: "c1", service: undefined, rest, query: query ? `?${query}` : "" };
      assert.deepEqual(parseUserRoute(`/c1${path}`), expected);
    });
  }

  it("is led by the path alone, whatever the query looks like", () => {
    const route = parseUserRoute("/c1/api?x=/a/b/c/d/services/http:web:80/proxy-service/");
    assert.equal(route.service, undefined);
  });

  const refused = [
    "",
    "/",
    "/c1",
    "//api",
    "/C1/api",
    "/../api",
    "/c1%2Fc2/api",
    `/${"a".repeat(64)}/api`,
    `${services}//proxy-service/`,
    `${services}/a:b:c:d/proxy-service/`,
    `${services}/ftp:web:80/proxy-service/`,
    `${services}/web:0/proxy-service/`,
    `${services}/web:65536/proxy-service/`,
    `${services}/web:http/proxy-service/`,
    `${services}/web.other.svc/proxy-service/`,
    `${services}/http:web%2F..:80/proxy-service/`,
    "/c1/api/v1/namespaces/ns.other/services/web/proxy-service/",
    "/c1/api/v1/namespaces/ns%2f/services/web/proxy-service/",
    "https://c1/api",
  ];
  for (const target of refused) {
    it(`refuses ${JSON.stringify(target)}`, () => {
      assert.throws(() => parseUserRoute(target), { code: /^bad_(request|target)$/ });
    });
  }
});
