import type { IncomingMessage, ServerResponse } from "node:http";
import { Session } from "node:inspector/promises";
import { sleep } from "./abort.ts";
import type { Route } from "./health-server.ts";

const maxSeconds = 300;
const defaultSeconds = 30;
const names = ["profile?seconds=30 (CPU, .cpuprofile)", "heap (.heapsnapshot)"];

/**
 * Profiles of this process in V8's forms, under the paths that Go programs have theirs: for ports
 * that only the machine itself reaches. One is taken at a time.
 */
export function createProfileRoutes(): Readonly<Record<string, Route>> {
  let isBusy = false;
  const alone =
    (
      take: (session: Session, request: IncomingMessage, response: ServerResponse) => Promise<void>,
    ) =>
    async (request: IncomingMessage, response: ServerResponse) => {
      if (isBusy) {
        response.writeHead(429).end("a profile is being taken\n");
        return;
      }
      isBusy = true;
      const session = new Session();
      session.connect();
      try {
        await take(session, request, response);
      } finally {
        session.disconnect();
        isBusy = false;
      }
    };
  return {
    "/debug/pprof": (_request, response) =>
      void response.writeHead(301, { Location: "/debug/pprof/" }).end(),
    "/debug/pprof/": (_request, response) => void response.end(`${names.join("\n")}\n`),
    "/debug/pprof/profile": alone(takeCpuProfile),
    "/debug/pprof/heap": alone(takeHeapSnapshot),
  };
}

async function takeCpuProfile(
  session: Session,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = new URL(request.url ?? "/", "http://localhost").searchParams.get("seconds");
  const seconds = Number(asked ?? defaultSeconds);
  if (!(seconds > 0 && seconds <= maxSeconds)) {
    response
      .writeHead(400)
      .end(`seconds must be above 0 and at most ${maxSeconds}, got ${asked}\n`);
    return;
  }
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  await sleep(seconds * 1000, gone.signal).catch(() => undefined);
  const { profile } = await session.post("Profiler.stop");
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(profile));
}

async function takeHeapSnapshot(
  session: Session,
  _request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  session.on(
    "HeapProfiler.addHeapSnapshotChunk",
    ({ params }) => void response.write(params.chunk),
  );
  await session.post("HeapProfiler.takeHeapSnapshot");
  response.end();
}
