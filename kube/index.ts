export { discoverAddonVersion } from "./addon-version.ts";
export { ApiError, type ApiErrorCode, ignoreNotFound, isApiError } from "./api-error.ts";
export {
  type ApplyOptions,
  createKubeClient,
  type DeleteOptions,
  type KubeClient,
  type KubeClientOptions,
  type ListOptions,
  type ListResult,
  type Manifest,
  type ObjectKey,
} from "./client.ts";
export { type ClusterAccess, loadClusterAccess } from "./cluster-access.ts";
export { createController, onCacheChange, type Trigger } from "./controller.ts";
export { firstServed, isServed } from "./discovery.ts";
export { createEventRecorder, type EventOptions, type EventRecorder } from "./events.ts";
export { type DeletionPhase, deletionPhase } from "./finalizer.ts";
export { createFreshView, type FreshView } from "./fresh-view.ts";
export { createLeaderElection, type ElectionOptions } from "./leader-election.ts";
export { microTime, type RenewOptions, renewLease } from "./lease.ts";
export { createLiveHolders, type LiveHolders, type LiveHoldersOptions } from "./live-holders.ts";
export {
  type CacheChange,
  createObjectCache,
  keyOfObject,
  type ObjectCache,
  type ObjectCacheOptions,
} from "./object-cache.ts";
export { type CallOutcome, observeCalls } from "./observed-client.ts";
export { openPortForward, type PortForwardTarget } from "./port-forward.ts";
export { createPresence, type PresenceOptions } from "./presence.ts";
export { type Outcome, type Reconciler, recheckAfter, settled } from "./reconciler.ts";
export { labelSelector, resourcePath, withQuery } from "./request.ts";
export { isLeaseValid } from "./valid-lease.ts";
