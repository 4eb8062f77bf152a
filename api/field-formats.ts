import * as z from "zod";

/** One label of a DNS name, with letters of either case. */
const label = "[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?";
const lowerLabel = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

/** The name of a Secret, or of most other objects. */
export const secretName = z
  .string()
  .max(253)
  .regex(new RegExp(`^${lowerLabel}(\\.${lowerLabel})*$`));

/** The name of a Service. */
export const serviceName = z
  .string()
  .max(63)
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);

export const namespaceName = z
  .string()
  .max(63)
  .regex(new RegExp(`^${lowerLabel}$`));

/** A DNS name or an IP address, at which something can be dialled. */
export const hostName = z
  .string()
  .max(253)
  .regex(new RegExp(`^(${label}(\\.${label})*|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+)$`));

/** The same, or a name whose first label is any. */
export const alternativeName = z
  .string()
  .max(253)
  .regex(new RegExp(`^((\\*\\.)?${label}(\\.${label})*|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+)$`));

export const imageName = z.string().max(1024).regex(/^\S+$/);

/** The key of an annotation. */
export const annotationKey = z
  .string()
  .max(317)
  .regex(
    new RegExp(
      `^(${lowerLabel}(\\.${lowerLabel})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`,
    ),
  );

/** A duration as Go reads it, such as `2160h`. */
export const goDuration = z
  .string()
  .max(32)
  .regex(/^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$/);
