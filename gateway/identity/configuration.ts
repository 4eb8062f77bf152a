import { parse } from "yaml";
import * as z from "zod";
import { type GatewayIdentity, gatewayIdentity, type IdentityMode } from "#api";
import { describeError } from "#runtime";
import { type ExchangeRule, exchangeRule, type RuleOrigin } from "./exchange-rule.ts";

/** How the gateway decides as whom callers act. */
export interface IdentitySettings {
  readonly policy: GatewayIdentity;
  /** The first that is about a caller counts. */
  readonly rules: readonly ExchangeRule[];
}

/** A document that cannot be used. The message says where and why. */
export class IdentityConfigurationError extends Error {
  override readonly name = "IdentityConfigurationError";
}

const document = z.looseObject({
  spec: z
    .looseObject({
      clientIdentityExchanger: z.looseObject({ rules: z.array(z.unknown()).nullish() }).nullish(),
      identity: z.unknown().optional(),
    })
    .nullish(),
});

/** Without a document: everyone as himself where that is asked for, and else as the account. */
export function defaultSettings(mode: IdentityMode): IdentitySettings {
  return { policy: gatewayIdentity.parse({ mode }), rules: [] };
}

/**
 * Reads upstream's ClusterGatewayProxyConfiguration, YAML or JSON, with our `spec.identity` beside
 * upstream's rules. `mode` holds where the document says nothing. Throws an
 * {@link IdentityConfigurationError}; a single wrong rule is none, it refuses whom it is about.
 */
export function parseSettings(text: string, mode: IdentityMode, place: string): IdentitySettings {
  const { rules, identity } = read(text, place);
  const policy = gatewayIdentity.safeParse({ mode, ...asObject(identity, place) });
  if (!policy.success) {
    const faults = z.prettifyError(policy.error);
    throw new IdentityConfigurationError(`Cannot use spec.identity of ${place}: ${faults}`);
  }
  return { policy: policy.data, rules: readyRules(rules, { place }) };
}

/** The rules of one cluster's own document, of upstream's annotation. Throws as above. */
export function parseClusterRules(text: string, cluster: string): readonly ExchangeRule[] {
  const place = `the annotation of cluster "${cluster}"`;
  return readyRules(read(text, place).rules, { place, cluster });
}

/** What is wrong with rules, one line for each that is. */
export function faultsOf(rules: readonly ExchangeRule[]): readonly string[] {
  return rules.flatMap(({ exchange }) => (exchange.kind === "refuse" ? [exchange.why] : []));
}

function readyRules(rules: readonly unknown[], origin: RuleOrigin): readonly ExchangeRule[] {
  return rules.map((raw, index) => exchangeRule(raw, index, origin));
}

const maxBytes = 256 * 1024;

function read(text: string, place: string) {
  if (text.length > maxBytes) {
    throw new IdentityConfigurationError(
      `Cannot use ${place}: it is larger than ${maxBytes} bytes`,
    );
  }
  const parsed = document.safeParse(parseYaml(text, place) ?? {});
  if (!parsed.success) {
    const faults = z.prettifyError(parsed.error);
    throw new IdentityConfigurationError(`Cannot use ${place}: ${faults}`);
  }
  const { clientIdentityExchanger, identity } = parsed.data.spec ?? {};
  return { rules: clientIdentityExchanger?.rules ?? [], identity };
}

function parseYaml(text: string, place: string): unknown {
  try {
    // Aliases make a small text a large object.
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new IdentityConfigurationError(
      `Cannot use ${place}: it is no YAML: ${describeError(error)}`,
      { cause: error },
    );
  }
}

function asObject(value: unknown, place: string): object {
  if (value === undefined || value === null) return {};
  if (typeof value === "object") return value;
  throw new IdentityConfigurationError(`Cannot use spec.identity of ${place}: it is no object`);
}
