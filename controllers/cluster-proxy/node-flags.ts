/**
 * Arguments of `node` for what carries connections. Buffers that pass through are young garbage:
 * a small young generation frees them before their memory makes V8 mark the whole heap, and one that
 * is not too small does so before they count as old.
 */
export const tunnelNodeFlags = ["--max-semi-space-size=2"] as const;
