import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { helpText, parseFlags } from "./flags.ts";

const flags = {
  "server-port": { type: "int", default: 8090, help: "Port for frontends" },
  "keepalive-time": { type: "duration", default: "1h0m0s", help: "Time between pings" },
  "leader-elect": { type: "boolean", default: false, help: "Elect a leader" },
  "proxy-strategies": { type: "list", default: ["default"], help: "Order of strategies" },
  name: { type: "string", default: "", help: "A name" },
} as const;

describe("parseFlags()", () => {
  it("fills in the defaults", () => {
    assert.deepEqual(parseFlags(flags, []), {
      "server-port": 8090,
      "keepalive-time": 3_600_000,
      "leader-elect": false,
      "proxy-strategies": ["default"],
      name: "",
    });
  });

  it("reads every form that the Go programs accept", () => {
    const argv = ["--server_port=1", "--keepalive-time", "2s", "--leader-elect", "--name=a=b"];
    const got = parseFlags(flags, [...argv, "--proxy-strategies=destHost,default"]);
    assert.deepEqual(got, {
      "server-port": 1,
      "keepalive-time": 2000,
      "leader-elect": true,
      "proxy-strategies": ["destHost", "default"],
      name: "a=b",
    });
  });

  it("leaves what follows a bare boolean alone", () => {
    assert.equal(parseFlags(flags, ["--leader-elect", "--name", "x"]).name, "x");
    assert.equal(parseFlags(flags, ["--leader-elect=false"])["leader-elect"], false);
  });

  const refused: Readonly<Record<string, readonly [argv: string, message: RegExp]>> = {
    "an unknown flag": ["--nope=1", /nope/],
    "a stray argument": ["stray", /stray/],
    "a number that is none": ["--server-port=x", /--server-port=x: not a whole number/],
    "a boolean that is none": ["--leader-elect=maybe", /--leader-elect=maybe/],
    "a duration that is none": ["--keepalive-time=soon", /--keepalive-time=soon/],
  };
  for (const [what, [argv, message]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseFlags(flags, [argv]), { name: "UsageError", message });
    });
  }
});

describe("helpText()", () => {
  it("names every flag with its default", () => {
    const text = helpText("tunnel-server", "The tunnel server.", flags);
    for (const name of Object.keys(flags)) assert.match(text, new RegExp(`--${name} `));
    assert.match(text, /default 1h0m0s/);
  });
});
