import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProxyChooser, proxyRulesOf } from "./proxy-rules.ts";

const proxy = "http://user:secret@proxy.example:3128";

describe("proxyRulesOf()", () => {
  it("reads capitals before small letters, and an empty value as none", () => {
    assert.deepEqual(proxyRulesOf({ HTTPS_PROXY: "a", https_proxy: "b", no_proxy: "c" }), {
      proxy: "a",
      except: "c",
    });
    assert.deepEqual(proxyRulesOf({ HTTPS_PROXY: "", https_proxy: "b" }).proxy, "b");
  });
});

describe("createProxyChooser()", () => {
  interface Case {
    readonly except?: string;
    readonly host: string;
    readonly port?: number;
    readonly isProxied: boolean;
  }
  const cases: Readonly<Record<string, Case>> = {
    "proxies what is no exception": { host: "hub.example", isProxied: true },
    "never proxies localhost": { host: "localhost", isProxied: false },
    "never proxies a loopback address": { host: "127.0.0.1", isProxied: false },
    "never proxies the IPv6 loopback address": { host: "::1", isProxied: false },
    "proxies nothing for *": { except: "a,*", host: "hub.example", isProxied: false },
    "excepts a host": { except: "x, hub.example", host: "hub.example", isProxied: false },
    "excepts what is below a domain": { except: "example", host: "hub.example", isProxied: false },
    "excepts no other host that ends alike": {
      except: "ub.example",
      host: "hub.example",
      isProxied: true,
    },
    "excepts below a dotted domain only": { except: ".example", host: "example", isProxied: true },
    "excepts below a starred domain": { except: "*.example", host: "a.example", isProxied: false },
    "minds no case": { except: "HUB.Example", host: "Hub.eXample", isProxied: false },
    "excepts a host at one port": {
      except: "hub.example:80",
      host: "hub.example",
      isProxied: true,
    },
    "excepts a host at that port": {
      except: "hub.example:443",
      host: "hub.example",
      isProxied: false,
    },
    "excepts an address": { except: "192.0.2.1", host: "192.0.2.1", isProxied: false },
    "excepts an IPv6 address however it is written": {
      except: "[fd00:0::1]:443",
      host: "fd00::1",
      isProxied: false,
    },
    "excepts a network": { except: "10.96.0.0/12", host: "10.100.1.2", isProxied: false },
    "excepts no other network": { except: "10.96.0.0/12", host: "10.1.1.2", isProxied: true },
    "excepts no name for a network": { except: "10.0.0.0/8", host: "ten.example", isProxied: true },
  };
  for (const [name, { except = "", host, port = 443, isProxied }] of Object.entries(cases)) {
    it(name, () => {
      const chosen = createProxyChooser({ proxy, except })(host, port);
      assert.equal(chosen?.url.hostname, isProxied ? "proxy.example" : undefined);
    });
  }

  it("chooses none where there is none", () => {
    assert.equal(createProxyChooser({ proxy: " ", except: "" })("hub.example", 443), undefined);
  });

  it("takes a proxy without a scheme", () => {
    const chosen = createProxyChooser({ proxy: "proxy:3128", except: "" })("hub.example", 443);
    assert.equal(chosen?.url.href, "http://proxy:3128/");
  });

  it("refuses what it cannot use, and tells no password", () => {
    const make =
      (text: string, except = "") =>
      () =>
        createProxyChooser({ proxy: text, except });
    assert.throws(make("socks5://user:secret@x:1"), (error: Error) => {
      return /HTTPS_PROXY/.test(error.message) && !error.message.includes("secret");
    });
    assert.throws(make("x", "10.0.0.0/99"), /NO_PROXY: "10.0.0.0\/99"/);
  });
});
