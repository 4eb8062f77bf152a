import * as z from "zod";
import { condition } from "./conditions.ts";
import { objectMeta } from "./object-meta.ts";

/** What every object has beside its spec and status. Items of a list lack the first two. */
export const objectShape = {
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: objectMeta,
};

/** A whole number that the API keeps in 32 bits. */
export const int32 = () => z.int().meta({ format: "int32" });

/** A whole number that the API keeps in 64 bits; beyond 2^53 it is refused. */
export const int64 = () => z.int().meta({ format: "int64" });

/** A time as the API server stores it, RFC 3339. */
export const dateTime = () => z.string().meta({ format: "date-time" });

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

/** What a namespace may be called: one label of DNS. */
export const dnsLabel = () =>
  z.string().meta({ minLength: 1, maxLength: 63, pattern: `^${label}$` });

/** What most other objects may be called: labels of DNS with dots between them. */
export const dnsSubdomain = () =>
  z.string().meta({ minLength: 1, maxLength: 253, pattern: `^${label}(\\.${label})*$` });

/** What the value of a label may be. */
export const labelValue = () =>
  z.string().meta({ maxLength: 63, pattern: "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$" });

const qualifiedName =
  "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";

/** The conditions of an object of ours: one of each type, held to the usual form by the server. */
export const conditionList = z
  .array(
    condition.extend({
      type: z
        .string()
        .describe("What is told, in CamelCase.")
        .meta({ maxLength: 316, pattern: qualifiedName }),
      status: condition.shape.status.describe("True, False or Unknown."),
      reason: z.string().describe("Why, in one CamelCase word.").meta({
        minLength: 1,
        maxLength: 1024,
        pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
      }),
      message: z.string().describe("Why, for people.").meta({ maxLength: 32_768 }),
      observedGeneration: int64().optional().describe("Generation that this is about."),
      lastTransitionTime: dateTime().describe("When status last changed."),
    }),
  )
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });
