import type { ClusterGateway, ClusterGatewayLayout } from "#api";
import { type Exchange, goneSignal } from "#proxy";
import { sleep } from "#runtime";
import { answerJson } from "../answers/answer.ts";
import { unknownCluster } from "../answers/cluster-errors.ts";
import { GatewayError } from "../answers/gateway-error.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { isWatch } from "../route.ts";
import type { ClusterGatewayWriter } from "./cluster-gateway-writer.ts";
import { parseListOptions, selected, untilNotOlder } from "./list-options.ts";
import { pageOf } from "./paging.ts";
import { type Rendering, renderingFor } from "./rendering.ts";
import { type ClusterLive, clusterGatewayColumns } from "./table.ts";
import { streamWatch } from "./watch-stream.ts";
import {
  checkObject,
  fieldManagerOf,
  readDelete,
  readObject,
  readPatch,
  writeRequestOf,
} from "./write-requests.ts";

export interface ClusterGatewayApiOptions {
  readonly layout: ClusterGatewayLayout;
  readonly clusters: ClusterStore;
  /** Without it, ClusterGateways can only be read. */
  readonly writer: ClusterGatewayWriter | undefined;
  readonly live: ClusterLive;
  /** Ends watches when the gateway winds down. */
  readonly signal: AbortSignal;
}

/** ClusterGateways as a resource of the API, all verbs. Each method answers or throws a GatewayError. */
export interface ClusterGatewayApi {
  collection(exchange: Exchange, query: string): Promise<void>;
  object(exchange: Exchange, name: string, query: string): Promise<void>;
}

/** Makes the resource. */
export function createClusterGatewayApi(options: ClusterGatewayApiOptions): ClusterGatewayApi {
  return {
    async collection(exchange, query) {
      const parameters = new URLSearchParams(query);
      switch (exchange.method) {
        case "GET":
        case "HEAD":
          return read(exchange, parameters, isWatch(query), options);
        case "POST":
          return create(exchange, parameters, options);
        case "DELETE":
          return deleteMany(exchange, parameters, options);
        default:
          throw notAllowed(exchange);
      }
    },
    async object(exchange, name, query) {
      const parameters = new URLSearchParams(query);
      switch (exchange.method) {
        case "GET":
        case "HEAD":
          return answerJson(
            exchange,
            200,
            renderingOf(exchange, parameters, options).one(named(name, options)),
          );
        case "PUT":
          return update(exchange, name, parameters, options);
        case "PATCH":
          return patch(exchange, name, parameters, options);
        case "DELETE":
          return deleteOne(exchange, name, parameters, options);
        default:
          throw notAllowed(exchange);
      }
    },
  };
}

function renderingOf(
  exchange: Exchange,
  query: URLSearchParams,
  { live, layout }: ClusterGatewayApiOptions,
): Rendering<ClusterGateway> {
  const { apiVersion, clusterGateways } = layout;
  const columns = clusterGatewayColumns(live, layout);
  return renderingFor(exchange, query, { apiVersion, kind: clusterGateways.kind, columns });
}

async function read(
  exchange: Exchange,
  query: URLSearchParams,
  asksWatch: boolean,
  options: ClusterGatewayApiOptions,
): Promise<void> {
  const { clusters, signal } = options;
  const wanted = parseListOptions(query, asksWatch);
  const rendering = renderingOf(exchange, query, options);
  const isBounded = !asksWatch || wanted.sendInitialEvents;
  if (isBounded && wanted.resourceVersion !== "") {
    const gone = goneSignal(exchange);
    await untilNotOlder(
      wanted.resourceVersion,
      () => clusters.version(),
      (ms) => sleep(ms, gone),
    );
  }
  if (asksWatch) {
    streamWatch(exchange, clusters, { ...wanted, rendering, signal });
    return;
  }
  const { items, ...metadata } = pageOf(clusters, wanted);
  answerJson(exchange, 200, rendering.many(items, metadata));
}

async function create(
  exchange: Exchange,
  query: URLSearchParams,
  options: ClusterGatewayApiOptions,
): Promise<void> {
  const { writer, request } = openWrite(exchange, query, options);
  const { input, warnings } = await readObject(exchange, query);
  const created = await writer.create(input, request);
  const shown = renderingOf(exchange, query, options).one(created);
  answerJson(exchange, 201, shown, warnings);
}

async function update(
  exchange: Exchange,
  name: string,
  query: URLSearchParams,
  options: ClusterGatewayApiOptions,
): Promise<void> {
  const { writer, request } = openWrite(exchange, query, options);
  const present = named(name, options);
  const { input, warnings } = await readObject(exchange, query, present);
  checkName(name, input.metadata.name ?? name);
  const updated = await writer.update(name, input, request);
  answerJson(exchange, 200, renderingOf(exchange, query, options).one(updated), warnings);
}

/** How often a patch is tried again on a newer object, as API servers do. */
const patchTries = 5;

async function patch(
  exchange: Exchange,
  name: string,
  query: URLSearchParams,
  options: ClusterGatewayApiOptions,
): Promise<void> {
  const { writer, request } = openWrite(exchange, query, options);
  const form = await readPatch(exchange);
  const rendering = renderingOf(exchange, query, options);
  if (form.kind === "apply") {
    const { input, warnings } = checkObject(form.body, query, options.clusters.shown(name));
    checkName(name, input.metadata.name ?? name);
    const fieldManager = fieldManagerOf(exchange, query);
    const force = query.get("force") === "true";
    const applied = await writer.apply(name, input, { ...request, fieldManager, force });
    answerJson(exchange, applied.isNew ? 201 : 200, rendering.one(applied.gateway), warnings);
    return;
  }
  await untilPatched(request.signal, async () => {
    const present = named(name, options);
    const { input, warnings } = checkObject(form.change(present), query, present);
    checkName(name, input.metadata.name ?? "");
    const patched = await writer.update(name, input, request);
    answerJson(exchange, 200, rendering.one(patched), warnings);
  });
}

/** A patch is a change of the newest object: when that was not the newest, it is made again. */
async function untilPatched(signal: AbortSignal, attempt: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const isOutdated = error instanceof GatewayError && error.code === "conflict";
      if (!isOutdated || tries >= patchTries) throw error;
      await sleep(20 * tries, signal);
    }
  }
}

async function deleteOne(
  exchange: Exchange,
  name: string,
  query: URLSearchParams,
  options: ClusterGatewayApiOptions,
): Promise<void> {
  const writer = writerOf(exchange, options);
  const gone = await writer.delete(name, await readDelete(exchange, query));
  const { group, plural: kind } = options.layout.clusterGateways;
  answerJson(exchange, 200, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, group, kind, uid: gone.metadata.uid },
  });
}

async function deleteMany(
  exchange: Exchange,
  query: URLSearchParams,
  options: ClusterGatewayApiOptions,
): Promise<void> {
  const writer = writerOf(exchange, options);
  const rendering = renderingOf(exchange, query, options);
  const wanted = selected(options.clusters.list(), parseListOptions(query, false));
  const request = await readDelete(exchange, query);
  const gone: ClusterGateway[] = [];
  for (const { metadata } of wanted) {
    try {
      gone.push(await writer.delete(metadata.name, request));
    } catch (error) {
      // Somebody else was quicker.
      if (!(error instanceof GatewayError) || error.code !== "not_found") throw error;
    }
  }
  const resourceVersion = options.clusters.version();
  answerJson(exchange, 200, rendering.many(gone, { resourceVersion }));
}

/** How every write of one object begins: refused where nothing is written, then its flags. */
function openWrite(exchange: Exchange, query: URLSearchParams, options: ClusterGatewayApiOptions) {
  const writer = writerOf(exchange, options);
  return { writer, request: writeRequestOf(exchange, query) };
}

function writerOf(exchange: Exchange, { writer }: ClusterGatewayApiOptions): ClusterGatewayWriter {
  if (writer === undefined) throw notAllowed(exchange);
  return writer;
}

function named(name: string, { clusters, layout }: ClusterGatewayApiOptions): ClusterGateway {
  const found = clusters.shown(name);
  if (found !== undefined) return found;
  throw unknownCluster(name, layout);
}

function checkName(name: string, given: string): void {
  if (given === name) return;
  const message = `the name of the object (${given}) does not match the name on the URL (${name})`;
  throw new GatewayError("bad_request", message);
}

function notAllowed({ method }: Exchange): GatewayError {
  return new GatewayError(
    "method_not_allowed",
    `The server does not allow ${method} on this resource: this gateway serves ClusterGateways for reading`,
  );
}
