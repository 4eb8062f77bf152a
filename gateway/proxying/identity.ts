import type { RawHeaders } from "#proxy";
import type { User } from "../authentication/user.ts";
import type { Cluster } from "../clusters/cluster.ts";

/**
 * As whom a user acts on a managed cluster: the fields to set beside the credential. Throws a
 * GatewayError for users that may not act there at all.
 */
export type Identity = (user: User, cluster: Cluster) => RawHeaders;

/** Everyone acts as the credential's own owner, the ServiceAccount that was projected. */
export const sharedIdentity: Identity = () => [];
