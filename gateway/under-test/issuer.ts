import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** For integration tests: an OIDC issuer on loopback, found by discovery, with one key. */
export class Issuer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #key: CryptoKey;

  private constructor(url: string, server: Server, key: CryptoKey) {
    this.url = url;
    this.#server = server;
    this.#key = key;
  }

  /** Serves with a certificate for `localhost`. */
  static async start(pair: { readonly cert: string; readonly key: string }): Promise<Issuer> {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const jwk = { ...(await exportJWK(publicKey)), kid: "one" };
    const server = createServer(pair, (request, response) => {
      const isKeys = request.url === "/keys";
      const document = isKeys ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/keys` };
      response.end(JSON.stringify(document));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    return new Issuer(url, server, privateKey);
  }

  /** A token of five minutes for the client `hub`, unless the claims say otherwise. */
  async token(claims: Readonly<Record<string, unknown>>): Promise<string> {
    return new SignJWT({ iss: this.url, aud: "hub", ...claims })
      .setProtectedHeader({ alg: "ES256", kid: "one" })
      .setExpirationTime("5m")
      .sign(this.#key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
