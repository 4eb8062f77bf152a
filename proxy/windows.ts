/**
 * Sizes of HTTP/2 that only make sense together.
 *
 * A stream may have `streamBytes` under way, so that one of them fills a link of 1 Gbit/s at 30 ms.
 * A reader that stops leaves at most its window in our memory. Many streams share `budgetBytes`, so
 * that hundreds of such readers do not hold hundreds of wide windows. The session's memory limit
 * must never be what stops a reader, for it breaks the session; and Node never takes off its account
 * what a stream still had to send when it was reset (Node 26), so that any limit is reached one day.
 */
export const windows = {
  streamBytes: 4 * 1024 * 1024,
  leastStreamBytes: 64 * 1024,
  budgetBytes: 32 * 1024 * 1024,
  sessionBytes: 32 * 1024 * 1024,
  frameBytes: 64 * 1024,
  /** Streams of one client connection. */
  serverStreams: 1000,
  /** As good as none: the largest that Node takes. */
  sessionMemoryMb: 2 ** 32 - 1,
} as const;
