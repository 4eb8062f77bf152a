import * as z from "zod";

const answer = z.looseObject({
  status: z
    .looseObject({
      authenticated: z.boolean().default(false),
      error: z.string().default(""),
      user: z
        .looseObject({
          username: z.string().default(""),
          uid: z.string().optional(),
          groups: z.array(z.string()).default([]),
          extra: z.record(z.string(), z.array(z.string())).default({}),
        })
        .optional(),
    })
    .prefault({}),
});

/** What an API server says of a token. */
export type TokenReviewStatus = z.infer<typeof answer>["status"];

/** Reads the status of a TokenReview that came back. Throws when it is none. */
export function parseTokenReviewStatus(input: unknown): TokenReviewStatus {
  return answer.parse(input).status;
}
