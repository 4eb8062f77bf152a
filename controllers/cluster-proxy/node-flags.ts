/**
 * Arguments of `node` for what carries connections. Buffers that pass through are young garbage: a
 * small young generation gives their memory back soon, while it is in the processor's caches. V8
 * counts what came since it last marked the heap as if it were in use, and with a small heap would
 * mark it for every ten megabytes; it does not before heap and buffers together have 64 MB.
 */
export const tunnelNodeFlags = ["--max-semi-space-size=1", "--initial-old-space-size=64"] as const;
