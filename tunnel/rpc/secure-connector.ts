import type { Socket } from "node:net";
import type { ChannelCredentials } from "@grpc/grpc-js";

/** How grpc-js makes a TCP connection a secure one; it keeps that to itself (see internals.ts). */
export interface SecureConnector {
  /** Asked before each try to connect; a rejection is a try that has failed. */
  waitForReady(): Promise<void>;
  connect(socket: Socket): Promise<unknown>;
  /** Its channel is closed. */
  destroy(): void;
}

type MakeConnector = (this: unknown, ...args: unknown[]) => SecureConnector;

const makeConnector = "_createSecureConnector";

/** The same credentials, with connectors of which `change` says what they do otherwise. */
export function withConnector(
  credentials: ChannelCredentials,
  change: (connector: SecureConnector) => Partial<SecureConnector>,
): ChannelCredentials {
  const make = (credentials as unknown as Readonly<Record<string, MakeConnector>>)[makeConnector];
  if (make === undefined) throw new TypeError("Cannot use channels of this version of grpc-js");
  const makeChanged: MakeConnector = (...args) => {
    const connector = make.apply(credentials, args);
    return Object.assign(Object.create(connector) as SecureConnector, change(connector));
  };
  const changed = { [makeConnector]: makeChanged };
  return Object.assign(Object.create(credentials) as ChannelCredentials, changed);
}

/**
 * Credentials that connect no more once their channel is closed. grpc-js goes on: a channel that is
 * closed while it waits for its next try makes that try, and keeps the connection for ever.
 */
export function untilClosed(credentials: ChannelCredentials): ChannelCredentials {
  return withConnector(credentials, (connector) => {
    let isClosed = false;
    return {
      async waitForReady() {
        if (isClosed) throw new Error("The channel is closed");
        await connector.waitForReady();
      },
      destroy() {
        isClosed = true;
        connector.destroy();
      },
    };
  });
}
