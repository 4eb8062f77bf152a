export { type ForwardOutcome, type ForwardPlan, forward, type Traffic } from "./forward.ts";
export type { FrontRefusal } from "./front/connections.ts";
export {
  type BodySink,
  type Exchange,
  goneSignal,
  type Peer,
  type ResponseHead,
} from "./front/exchange.ts";
export { createFront, type Front, type FrontOptions, type FrontTls } from "./front/front.ts";
export { type HeaderPolicy, isIdentityHeader } from "./header-policy.ts";
export { type LocationView, rewriteLocation } from "./location.ts";
export { ProxyError, type ProxyErrorCode } from "./proxy-error.ts";
export { fieldsOf, headerValue, headerValues, type RawHeaders } from "./raw-headers.ts";
export { forwardPath, parseTarget, type SplitPath, splitPath, type Target } from "./target.ts";
export { createTransport, type Transport, type TransportOptions } from "./transport/transport.ts";
export { createTransportPool, type TransportPool } from "./transport/transport-pool.ts";
export type { Dial, Upstream, UpstreamTls } from "./transport/upstream.ts";
export { type Treatment, treatmentOf } from "./treatment.ts";
