import { createHash } from "node:crypto";
import { type Exchange, headerValue } from "#proxy";
import { answerText } from "./answers/answer.ts";
import { GatewayError } from "./answers/gateway-error.ts";
import {
  aggregatedDiscovery,
  aggregatedVersion,
  apiGroup,
  groupList,
  index,
  resourceList,
} from "./discovery/documents.ts";
import { openapiV2, openapiV3, openapiV3Index } from "./discovery/openapi.ts";
import type { ServedApi } from "./discovery/served-api.ts";
import type { DocumentName } from "./route.ts";

/** One document, written once. */
interface Document {
  readonly text: string;
  readonly contentType: string;
  readonly etag: string;
}

/** Answers with a document of the API. Throws a GatewayError for a method other than GET. */
export type AnswerDocument = (exchange: Exchange, name: DocumentName) => void;

/** Writes all documents about what is `served`; `gitVersion` is what `/version` says. */
export function createDocuments(gitVersion: string, served: ServedApi): AnswerDocument {
  const documents: Readonly<Record<DocumentName, Document>> = {
    index: document(index(served)),
    groups: document(groupList(served)),
    group: document(apiGroup(served)),
    resources: document(resourceList(served)),
    openapiV2: document(openapiV2(served)),
    openapiV3: document(openapiV3Index(served)),
    openapiV3Group: document(openapiV3(served)),
    version: document(versionInfo(gitVersion)),
  };
  const aggregated = {
    v2: aggregatedDocument("v2", served),
    v2beta1: aggregatedDocument("v2beta1", served),
  };
  return (exchange, name) => {
    if (exchange.method !== "GET" && exchange.method !== "HEAD") {
      throw new GatewayError("method_not_allowed", "Documents can only be read");
    }
    const accept = headerValue(exchange.headers, "accept") ?? "";
    const version = name === "groups" ? aggregatedVersion(accept) : undefined;
    answerDocument(exchange, version === undefined ? documents[name] : aggregated[version]);
  };
}

function answerDocument(exchange: Exchange, { text, contentType, etag }: Document): void {
  const headers = ["etag", etag, "vary", "Accept"];
  if (headerValue(exchange.headers, "if-none-match") === etag) {
    exchange.answer({ status: 304, headers });
    return;
  }
  answerText(exchange, 200, text, contentType, headers);
}

function document(content: unknown, contentType = "application/json"): Document {
  const text = `${JSON.stringify(content)}\n`;
  const hash = createHash("sha256").update(text).digest("hex").toUpperCase().slice(0, 64);
  return { text, contentType, etag: `"${hash}"` };
}

function aggregatedDocument(version: "v2" | "v2beta1", served: ServedApi): Document {
  return document(
    aggregatedDiscovery(version, served),
    `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
  );
}

function versionInfo(gitVersion: string): unknown {
  const [, major = "0", minor = "0"] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return { major, minor, gitVersion, platform: `${process.platform}/${process.arch}` };
}
