import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { before, describe, it } from "node:test";
import type { Exchange, Peer } from "#proxy";
import { makeAuthority, type TestAuthority } from "#testing";
import { createAuthenticate } from "./authenticate.ts";
import { noTrust, type Trust } from "./trust.ts";

let frontProxy: TestAuthority;
let clients: TestAuthority;
let stranger: TestAuthority;
let trust: Trust;
before(async () => {
  [frontProxy, clients, stranger] = await Promise.all([
    makeAuthority("front-proxy-ca"),
    makeAuthority("client-ca"),
    makeAuthority("front-proxy-ca"),
  ]);
  trust = {
    ...noTrust,
    generation: 1,
    frontProxyCas: [new X509Certificate(frontProxy.caPem)],
    clientCas: [new X509Certificate(clients.caPem)],
    allowedNames: ["front-proxy-client"],
    userHeaders: ["x-remote-user"],
    groupHeaders: ["x-remote-group"],
  };
});

/** A connection that showed these certificates, leaf first. */
function peerWith(...pems: readonly string[]): Peer {
  const chain = pems.map((pem) => new X509Certificate(pem));
  const linked = chain.reduceRight<object>(
    (issuerCertificate, { raw }) => ({ raw, issuerCertificate }),
    {},
  );
  const tls = {
    authorized: false,
    getPeerX509Certificate: () => chain[0],
    getPeerCertificate: () => linked,
  };
  return { address: "10.0.0.1", tls: tls as unknown as Peer["tls"] };
}

const asRoot = ["x-remote-user", "root", "x-remote-group", "system:masters"];

async function ask(peer: Peer, headers: readonly string[] = asRoot, now = new Date()) {
  const authenticate = createAuthenticate({
    trust: () => trust,
    reviewToken: (token) =>
      Promise.resolve(token === "good" ? { name: "by-token", groups: [], extra: {} } : undefined),
    now: () => now,
  });
  return authenticate({ peer, headers } as Partial<Exchange> as Exchange);
}

const nobody = { code: "unauthenticated" };

describe("createAuthenticate()", () => {
  it("believes the front proxy", async () => {
    const { cert } = await frontProxy.client("front-proxy-client");
    const user = await ask(peerWith(cert));
    assert.deepEqual(
      [user.name, user.groups],
      ["root", ["system:masters", "system:authenticated"]],
    );
  });

  it("ignores X-Remote-User without a certificate", async () => {
    await assert.rejects(ask(peerWith()), nobody);
  });

  it("ignores X-Remote-User under another name of the same CA", async () => {
    await assert.rejects(ask(peerWith((await frontProxy.client("someone")).cert)), nobody);
  });

  it("ignores X-Remote-User from a CA of the same name", async () => {
    const { cert } = await stranger.client("front-proxy-client");
    await assert.rejects(ask(peerWith(cert, stranger.caPem, frontProxy.caPem)), nobody);
  });

  it("ignores X-Remote-User from a client's certificate, and takes its own name", async () => {
    const { cert } = await clients.client("front-proxy-client", ["devs"]);
    const user = await ask(peerWith(cert));
    assert.equal(user.name, "front-proxy-client");
    assert.deepEqual(user.groups, ["devs", "system:authenticated"]);
  });

  it("does not take a chain for proof that was only laid beside it", async () => {
    // A client's own, valid certificate, followed by the front proxy's CA as if that were above it.
    const { cert } = await stranger.client("front-proxy-client");
    await assert.rejects(ask(peerWith(cert, frontProxy.caPem)), nobody);
  });

  it("ignores a certificate that has expired", async () => {
    const { cert } = await frontProxy.client("front-proxy-client");
    const later = new Date(Date.now() + 2 * 3_600_000);
    await assert.rejects(ask(peerWith(cert), asRoot, later), nobody);
  });

  it("ignores a certificate for servers", async () => {
    const { cert } = await frontProxy.server("front-proxy-client");
    await assert.rejects(ask(peerWith(cert)), nobody);
  });

  it("forgets the front proxy when the hub's CA changes under an open connection", async () => {
    const { cert } = await frontProxy.client("front-proxy-client");
    let current = trust;
    const authenticate = createAuthenticate({
      trust: () => current,
      reviewToken: () => Promise.resolve(undefined),
    });
    const exchange = { peer: peerWith(cert), headers: asRoot } as Partial<Exchange> as Exchange;
    assert.equal((await authenticate(exchange)).name, "root");
    current = { ...trust, generation: 2, frontProxyCas: [new X509Certificate(stranger.caPem)] };
    await assert.rejects(async () => authenticate(exchange), nobody);
  });

  it("takes a token that the hub accepts, and no other", async () => {
    const user = await ask(peerWith(), [...asRoot, "Authorization", "Bearer good"]);
    assert.equal(user.name, "by-token");
    await assert.rejects(ask(peerWith(), ["authorization", "Bearer bad"]), nobody);
    await assert.rejects(ask(peerWith(), ["authorization", "Basic good"]), nobody);
  });
});
