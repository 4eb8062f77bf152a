import type { Secret } from "#api";
import {
  createAuthority,
  issueCertificate,
  type KeyPair,
  type Names,
  reasonToReissue,
  type Usage,
} from "#pki";
import {
  planRotation,
  type RotationStep,
  rotateAnnotation,
  rotationPatch,
  trustedPem,
} from "../../controllers/installation/authority-rotation.ts";
import { authorityOf, authoritySecret } from "../../controllers/installation/tls-secret.ts";

const hourMs = 3_600_000;
const own = { kind: "own" } as const;

/** An authority in its Secret, rotated by what the controller rotates it with, without a cluster. */
export class RotatingAuthority {
  readonly #commonName: string;
  #secret: Secret;

  private constructor(commonName: string, secret: Secret) {
    this.#commonName = commonName;
    this.#secret = secret;
  }

  static async create(commonName: string): Promise<RotatingAuthority> {
    const pair = await make(commonName);
    return new RotatingAuthority(commonName, authoritySecret({ name: commonName }, pair));
  }

  /** All that is to be trusted at present. */
  get trustedPem(): string {
    return trustedPem(this.#secret);
  }

  /** Asks for another authority, as an administrator does. */
  ask(): void {
    this.#merge({ annotations: { [rotateAnnotation]: "" } });
  }

  /** Does the step that is due, the overlap being over. */
  async step(): Promise<RotationStep> {
    const now = new Date();
    const due = planRotation(this.#secret, own, 0, now);
    if (due.kind !== "step") throw new Error(`${this.#commonName} has nothing to rotate`);
    const how = { make: () => make(this.#commonName), now };
    const { metadata, data } = await rotationPatch(this.#secret, due.step, own, how);
    this.#merge(metadata as Merge["metadata"], data as Merge["data"]);
    return due.step;
  }

  /** The certificate to use from now on: the same one, while nothing is wrong with it. */
  async leaf(current: KeyPair | undefined, wanted: WantedLeaf): Promise<KeyPair> {
    const authority = authorityOf(this.#secret);
    if (authority === undefined) throw new Error(`${this.#commonName} is gone`);
    const now = new Date();
    const { names, usages } = wanted;
    const input = { current, authority: authority.certificate, names, usages };
    if (current !== undefined && reasonToReissue(input, now) === undefined) return current;
    return issueCertificate(authority, { ...wanted, lifetimeMs: hourMs }, now);
  }

  #merge(metadata: Merge["metadata"], data: Merge["data"] = {}): void {
    const before = this.#secret;
    this.#secret = {
      ...before,
      metadata: {
        ...before.metadata,
        annotations: merged(before.metadata.annotations, metadata.annotations),
      },
      data: merged(before.data, data),
    };
  }
}

/** What a certificate is for. */
export interface WantedLeaf {
  readonly commonName: string;
  readonly names: Names;
  readonly usages: readonly Usage[];
}

type Changes = Readonly<Record<string, string | null>>;

interface Merge {
  readonly metadata: { readonly annotations: Changes };
  readonly data: Changes;
}

/** What a merge patch leaves of a map. */
function merged(before: Readonly<Record<string, string>> | undefined, changes: Changes) {
  const entries = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as Record<string, string>;
}

async function make(commonName: string): Promise<KeyPair> {
  return createAuthority({ commonName, lifetimeMs: 24 * hourMs }, new Date());
}
