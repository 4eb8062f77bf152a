import type { ResourceType } from "#api";
import { ApiError } from "./api-error.ts";
import type { KubeClient } from "./client.ts";

/** How one call to an API server ended. */
export interface CallOutcome {
  readonly verb: "list" | "watch" | "delete";
  readonly type: ResourceType;
  /** As text; `0` when there was no answer. */
  readonly httpStatus: string;
  /** What the server called the failure; empty when there was none. */
  readonly reason: string;
  readonly seconds: number;
}

/** The same client, which also tells how its lists, watches and deletions ended. */
export function observeCalls(
  client: KubeClient,
  observe: (outcome: CallOutcome) => void,
): KubeClient {
  const timed = async <T>(
    verb: CallOutcome["verb"],
    type: ResourceType,
    call: Promise<T>,
  ): Promise<T> => {
    const startedMs = performance.now();
    const tell = (result: Pick<CallOutcome, "httpStatus" | "reason">) =>
      observe({ verb, type, ...result, seconds: (performance.now() - startedMs) / 1000 });
    try {
      const answer = await call;
      tell({ httpStatus: "200", reason: "" });
      return answer;
    } catch (error) {
      tell(failureOf(error));
      throw error;
    }
  };
  return {
    ...client,
    list: (type, options, signal) => timed("list", type, client.list(type, options, signal)),
    watch: (type, options, signal) => timed("watch", type, client.watch(type, options, signal)),
    delete: (type, key, signal, options) =>
      timed("delete", type, client.delete(type, key, signal, options)),
  };
}

function failureOf(error: unknown): Pick<CallOutcome, "httpStatus" | "reason"> {
  const status = error instanceof ApiError ? error.status : undefined;
  return { httpStatus: String(status?.code ?? 0), reason: status?.reason ?? "Unknown" };
}
