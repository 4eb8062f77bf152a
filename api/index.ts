export {
  type Condition,
  type ConditionStatus,
  type ConditionUpdate,
  condition,
  conditionStatus,
  findCondition,
  isConditionTrue,
  timestamp,
  withCondition,
} from "./conditions.ts";
export * from "./core.ts";
export {
  type KubeObject,
  type ObjectMeta,
  type OwnerReference,
  objectMeta,
  ownerReferenceTo,
} from "./object-meta.ts";
export { apiVersionOf, type ResourceType } from "./resource.ts";
export { failureStatus, type Status, statusObject } from "./status.ts";
