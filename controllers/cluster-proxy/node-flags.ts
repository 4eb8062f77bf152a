/**
 * Arguments of `node` for what carries connections. Buffers that pass through are young garbage:
 * a small young generation frees them before their memory makes V8 mark the whole heap.
 */
export const tunnelNodeFlags = ["--max-semi-space-size=1"] as const;
