import type { Duplex, Readable } from "node:stream";
import type { BodySink } from "./front/exchange.ts";
import type { RawHeaders } from "./raw-headers.ts";

export interface BodySource {
  readonly stream: Readable;
  /** The fields after the body, once it has ended. */
  trailers(): RawHeaders;
  /** True when the body ended because it was cut. */
  isCut(): boolean;
}

/**
 * Copies a body as it comes, no faster than the sink takes it. Resolves when the sink has taken all
 * of it (`true`) or when either end was cut (`false`; the sink is then still open if it can be).
 */
export function relayBody(source: BodySource, sink: BodySink): Promise<boolean> {
  const done = Promise.withResolvers<boolean>();
  const cut = () => done.resolve(false);
  source.stream.once("end", () => {
    if (source.isCut()) {
      cut();
      return;
    }
    const trailers = source.trailers();
    if (trailers.length > 0) sink.trailers(trailers);
    sink.stream.end(() => done.resolve(true));
  });
  source.stream.once("close", () => {
    if (!source.stream.readableEnded) cut();
  });
  sink.stream.once("close", cut);
  source.stream.pipe(sink.stream, { end: false });
  return done.promise;
}

/**
 * How long a joined pair may be silent once one direction has ended and all of it has been handed
 * over. Short, because a peer that died looks the same as one that has only finished sending.
 */
const lingerMs = 500;

/**
 * Joins two raw connections, each way with back-pressure and its own end. Resolves when both are
 * closed. A side that breaks, or that stays silent long after the other has finished, ends both.
 */
export async function joinStreams(a: Duplex, b: Duplex): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const linger: Linger = {
    begin() {
      timer ??= setTimeout(() => {
        a.destroy();
        b.destroy();
      }, lingerMs).unref();
    },
    goOn: () => timer?.refresh(),
  };
  await Promise.all([copy(a, b, linger), copy(b, a, linger)]);
  clearTimeout(timer);
}

interface Linger {
  begin(): void;
  goOn(): void;
}

async function copy(from: Duplex, to: Duplex, linger: Linger): Promise<void> {
  const closed = Promise.withResolvers<void>();
  from.on("error", () => undefined);
  from.once("end", () => {
    // Not before: a reader that is slower than the sender was still has the rest to come.
    to.once("finish", () => linger.begin());
    to.on("data", () => linger.goOn());
  });
  from.once("close", () => {
    // Broken off, or finished in both directions: what `to` was still to get is in its buffer.
    if (from.readableEnded) to.end();
    else to.destroy();
    closed.resolve();
  });
  from.pipe(to);
  await closed.promise;
}
