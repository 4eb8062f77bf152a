import type { User } from "../authentication/user.ts";
import type { Actor, PassActor } from "../identity/actor.ts";
import type { AuditedFacts, AuditStage } from "./audit-policy.ts";

/** One line of the audit log: an Event of `audit.k8s.io/v1`, as far as a gateway can know one. */
export interface AuditEvent {
  readonly kind: "Event";
  readonly apiVersion: "audit.k8s.io/v1";
  readonly level: "Metadata";
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditedUser;
  /** Who acts on the managed cluster, where that is somebody else. */
  readonly impersonatedUser?: AuditedUser;
  readonly sourceIPs: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: Readonly<Record<string, string>>;
  readonly responseStatus?: { readonly code: number; readonly message?: string };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface AuditedUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** One request to a managed cluster, as the log tells it. */
export interface AuditedRequest {
  readonly auditId: string;
  /** The gateway's own, which its annotations are named after. */
  readonly group: string;
  /** As it came, without what a query may hold of secrets. */
  readonly uri: string;
  readonly cluster: string;
  /** Its trace; `undefined` where nothing is traced. */
  readonly traceId?: string | undefined;
  readonly facts: AuditedFacts;
  /** As the hub authenticated him. */
  readonly authenticated: User;
  /** Whom he acts for on the hub (`--as`), or the same. */
  readonly user: User;
  readonly sourceIps: readonly string[];
  readonly userAgent: string | undefined;
  readonly receivedAt: Date;
}

/** Who acts, without what he proves it with. */
export type Acting = Actor | Omit<PassActor, "token">;

/** How far it came. */
export interface AuditedStage {
  readonly stage: AuditStage;
  readonly at: Date;
  /** Who acted there, once that was decided. */
  readonly actor?: Acting | undefined;
  readonly status?: number | undefined;
  /** Why the gateway refused it. */
  readonly message?: string | undefined;
  readonly bytes?: { readonly received: number; readonly sent: number };
}

/** The event of one stage of a request. Pure; holds no token, since none is given to it. */
export function auditEvent(request: AuditedRequest, stage: AuditedStage): AuditEvent {
  const { facts, authenticated, user } = request;
  const acting = stage.actor?.kind === "user" ? stage.actor.user : undefined;
  const other = acting ?? (user === authenticated ? undefined : user);
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: request.auditId,
    stage: stage.stage,
    requestURI: request.uri,
    verb: facts.verb,
    user: auditedUser(authenticated),
    ...(other === undefined ? {} : { impersonatedUser: auditedUser(other) }),
    sourceIPs: request.sourceIps,
    ...(request.userAgent === undefined ? {} : { userAgent: request.userAgent }),
    ...objectRef(facts),
    ...responseStatus(stage),
    requestReceivedTimestamp: microTime(request.receivedAt),
    stageTimestamp: microTime(stage.at),
    annotations: annotations(request, stage),
  };
}

function auditedUser({ name, uid, groups, extra }: User): AuditedUser {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function objectRef({ resource, namespace, name, group, version, subresource }: AuditedFacts) {
  if (resource === "") return {};
  const fields = { resource, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return { objectRef: withoutEmpty(fields) };
}

function withoutEmpty(fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
}

function responseStatus({ status, message }: AuditedStage) {
  if (status === undefined) return {};
  return { responseStatus: { code: status, ...(message === undefined ? {} : { message }) } };
}

function annotations(
  { group: prefix, cluster, traceId, receivedAt }: AuditedRequest,
  { stage, actor, bytes, at }: AuditedStage,
): Readonly<Record<string, string>> {
  const seconds = (at.getTime() - receivedAt.getTime()) / 1000;
  return {
    [`${prefix}/cluster`]: cluster,
    ...(traceId === undefined ? {} : { [`${prefix}/trace-id`]: traceId }),
    ...(actor === undefined
      ? {}
      : { [`${prefix}/acts-as`]: actor.kind, [`${prefix}/because`]: actor.because }),
    ...(stage === "ResponseComplete" ? { [`${prefix}/seconds`]: seconds.toFixed(3) } : {}),
    ...(bytes === undefined
      ? {}
      : {
          [`${prefix}/bytes-received`]: String(bytes.received),
          [`${prefix}/bytes-sent`]: String(bytes.sent),
        }),
  };
}

/** As `metav1.MicroTime` is written. */
function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}

/** Parameters of queries that API servers and what runs behind them take credentials from. */
const secretParameter =
  /^(?:access_token|token|authorization|api_?key|password|code|signature|x-.*)$/iu;

/**
 * A target as the log may have it: values of parameters that may be credentials are taken out, also
 * on the way to services behind `proxy`, whose parameters can be anything.
 */
export function auditedUri(path: string, query: string): string {
  if (query === "") return path;
  const parameters = query
    .slice(1)
    .split("&")
    .map((pair) => {
      const [name = ""] = pair.split("=", 1);
      return secretParameter.test(plain(name)) ? `${name}=redacted` : pair;
    });
  return `${path}?${parameters.join("&")}`;
}

function plain(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
