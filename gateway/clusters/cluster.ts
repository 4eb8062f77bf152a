/** How to prove to a managed cluster who we are. Never logged, never part of an answer. */
export type Credential =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "certificate"; readonly cert: string; readonly key: string }
  /** A command hands it out; see `exec/`. */
  | { readonly kind: "exec"; readonly exec: ExecConfig };

/** A credential that can be shown to a managed cluster as it is. */
export type ReadyCredential = Exclude<Credential, { readonly kind: "exec" }>;

/** What a Secret says about the command that hands out credentials. */
export interface ExecConfig {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/** How to reach a managed cluster's API, and how to know that it is the right one. */
export type Endpoint =
  | {
      readonly kind: "const";
      /** Base URL; its path, if any, comes before every path that is forwarded. */
      readonly url: URL;
      /** PEM. Without it, and not insecure, the system's CAs. */
      readonly ca: string | undefined;
      readonly isInsecure: boolean;
      /** Forward proxy in front of it. May carry a password. */
      readonly proxyUrl: URL | undefined;
    }
  | { readonly kind: "tunnel"; readonly ca: string };

/** A managed cluster as requests need it: everything parsed, nothing left to read. */
export interface Cluster {
  readonly name: string;
  readonly credentialType: string;
  readonly credential: Credential;
  readonly endpoint: Endpoint;
  readonly isHealthy: boolean;
  readonly healthyReason: string | undefined;
  /** The cluster's own document of identity rules, as it was written. */
  readonly proxyConfiguration?: string | undefined;
  /** Changes whenever connections to it have to be made anew; a new token is no such change. */
  readonly connectionFingerprint: string;
}
