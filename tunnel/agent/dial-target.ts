import { lookup as lookupCallback } from "node:dns";
import { connect, isIP, type LookupFunction, type OnReadOpts, type Socket } from "node:net";
import { goDialError } from "./go-dial-error.ts";
import { splitHostPort } from "./split-host-port.ts";

/** Why an address may not be dialled, or `undefined` when it may. Asked after name resolution. */
export type DialPolicy = (target: {
  readonly host: string;
  readonly ip: string;
  readonly port: number;
}) => string | undefined;

/** Where a name of the agent's own leads; undefined for every other address. */
export type OwnTarget = (address: string) => LocalTarget | undefined;

/** A listener of this process. */
export interface LocalTarget {
  readonly host: string;
  readonly port: number;
}

export interface DialOptions {
  readonly policy: DialPolicy;
  /** Goes before name resolution and policy. Defaults to none. */
  readonly ownTarget?: OwnTarget | undefined;
  readonly timeoutMs: number;
  /** Takes what the target sends; without it the socket tells it by events. */
  readonly onread?: OnReadOpts;
}

/** A dial under way. Exactly one of the callbacks is called, unless the socket is destroyed. */
export interface DialCallbacks {
  readonly onConnected: () => void;
  /** With the text that Go's net package would have. */
  readonly onFailed: (error: string) => void;
}

/** The error of a dial that took too long. */
class DialTimeout extends Error {
  readonly code = "DIAL_TIMEOUT";
}

class DialRefusal extends Error {
  readonly code = "DIAL_REFUSED_BY_POLICY";
}

/**
 * Connects to `host:port` over TCP. The socket is returned at once, so that the dial can be given
 * up; an address that cannot be read is reported through the callback and gives no socket.
 */
export function dialTarget(
  address: string,
  { policy, timeoutMs, ownTarget, onread }: DialOptions,
  { onConnected, onFailed }: DialCallbacks,
): Socket | undefined {
  const own = ownTarget?.(address);
  const target = own ?? splitHostPort(address);
  if (typeof target === "string") {
    process.nextTick(onFailed, target);
    return undefined;
  }
  const { host, port } = target;
  const isChecked = own === undefined && isIP(host) !== 0;
  const refusal = isChecked ? policy({ host, ip: host, port }) : undefined;
  if (refusal !== undefined) {
    process.nextTick(onFailed, `dial tcp ${address}: ${refusal}`);
    return undefined;
  }
  const socket = connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    keepAlive: true,
    ...(own === undefined && { lookup: allowedLookup(policy, host, port) }),
    ...(onread !== undefined && { onread }),
  });
  const timer = setTimeout(() => socket.destroy(new DialTimeout()), timeoutMs);
  const failed = (error: Error) => onFailed(goDialError(error, host, port));
  socket.once("error", failed);
  socket.once("connect", () => {
    socket.off("error", failed);
    clearTimeout(timer);
    onConnected();
  });
  socket.once("close", () => clearTimeout(timer));
  return socket;
}

/** Name resolution that leaves out what the policy does not allow. */
function allowedLookup(policy: DialPolicy, host: string, port: number): LookupFunction {
  return (name, options, callback) => {
    lookupCallback(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const refusals = addresses.map(({ address }) => policy({ host, ip: address, port }));
      const allowed = addresses.filter((_, index) => refusals[index] === undefined);
      const [first] = allowed;
      if (first === undefined) return callback(new DialRefusal(refusals[0]), []);
      if (options.all === true) return callback(null, allowed);
      callback(null, first.address, first.family);
    });
  };
}
