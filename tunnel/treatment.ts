import type { TunnelError, TunnelErrorCode } from "./tunnel-error.ts";

export interface Treatment {
  /** What a proxy in front of the tunnel answers. */
  readonly httpStatus: 502 | 503 | 504;
  /** Which part of the way failed: the road to the agent, the agent, or what it dialled. */
  readonly hop: "tunnel" | "agent" | "target";
  /** Whether another dial may work soon. Nothing was sent to the target in any of these cases. */
  readonly isRetriable: boolean;
}

/** Total by construction: a new code does not compile until someone decides its treatment. */
const treatments = {
  unreachable: { httpStatus: 503, hop: "tunnel", isRetriable: true },
  no_agent: { httpStatus: 503, hop: "agent", isRetriable: true },
  dial_refused: { httpStatus: 502, hop: "target", isRetriable: false },
  dial_timeout: { httpStatus: 504, hop: "target", isRetriable: true },
  dial_failed: { httpStatus: 502, hop: "target", isRetriable: false },
  closed: { httpStatus: 502, hop: "tunnel", isRetriable: false },
  protocol: { httpStatus: 502, hop: "tunnel", isRetriable: false },
} as const satisfies Record<TunnelErrorCode, Treatment>;

/** How to answer and whether to try again, by code alone; the text is never searched. */
export function treatmentOf(error: TunnelError): Treatment {
  return treatments[error.code];
}
