import * as z from "zod";

const statusCause = z.looseObject({
  reason: z.string().optional(),
  message: z.string().optional(),
  field: z.string().optional(),
});

/** What an API server answers when it cannot do what was asked (`kind: Status`). */
export const statusObject = z.looseObject({
  kind: z.literal("Status"),
  apiVersion: z.string().optional(),
  status: z.string().optional(),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.number().optional(),
  details: z
    .looseObject({
      name: z.string().optional(),
      group: z.string().optional(),
      kind: z.string().optional(),
      causes: z.array(statusCause).optional(),
      retryAfterSeconds: z.number().optional(),
    })
    .optional(),
});

export type Status = z.infer<typeof statusObject>;

export interface FailureOptions {
  /** HTTP status code. */
  readonly code: number;
  /** The machine-readable reason, e.g. `NotFound`. */
  readonly reason: string;
  readonly message: string;
  readonly details?: Status["details"];
}

/** A `Status` that says what failed. */
export function failureStatus({ code, reason, message, details }: FailureOptions): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  };
}
