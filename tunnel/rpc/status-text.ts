import type { ServiceError } from "@grpc/grpc-js";

const noConnection = /^No connection established\. Last error: (?:Error: )?/;
const resolutionNote = /\.? *Resolution note: *$/;

/**
 * What a failed call says, without what gRPC's library puts around it. It holds all that the error
 * does but the code, so that it need not be kept as a cause beside.
 */
export function statusText({ details }: Pick<ServiceError, "details">): string {
  return details.replace(noConnection, "").replace(resolutionNote, "");
}
