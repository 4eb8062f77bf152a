import * as z from "zod";
import { int64 } from "./custom-resource.ts";

/** One entry of a pod's `tolerations`. */
export const toleration = z.object({
  key: z.string().optional().describe("Key of the taint; every key when absent."),
  operator: z.string().optional().describe("Exists or Equal (the default)."),
  value: z.string().optional().describe("Value of the taint, with operator Equal."),
  effect: z
    .string()
    .optional()
    .describe("NoSchedule, PreferNoSchedule or NoExecute; every effect when absent."),
  tolerationSeconds: int64()
    .optional()
    .describe("Seconds for which a NoExecute taint is tolerated; for ever when absent."),
});
export type Toleration = z.infer<typeof toleration>;
