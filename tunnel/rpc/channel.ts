import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext } from "node:tls";
import { ChannelCredentials, type ChannelOptions, Client } from "@grpc/grpc-js";
import { type OutgoingProxy, proxyAddress } from "#runtime";
import type { TlsMaterial } from "../tls-source.ts";
import { throughProxy } from "./proxied-credentials.ts";
import { untilClosed } from "./secure-connector.ts";
import { streamWindowBytes } from "./stream-windows.ts";
export interface ChannelSettings {
  /** `host:port`; IPv6 hosts in brackets. */
  readonly address: string;
  readonly tls: TlsMaterial;
  /** Name that the server's certificate must carry, if it is not the address's host. */
  readonly serverName?: string;
  readonly userAgent: string;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Ping also while no stream is open. Go frontends' servers count that as abuse. */
  readonly isPingingIdle: boolean;
  /** Stands between us and the address. */
  readonly proxy?: OutgoingProxy | undefined;
  /** Longest wait between two tries to connect. */
  readonly maxReconnectDelayMs: number;
}

const maxMessageBytes = 16 * 1024 * 1024;
const minReconnectDelayMs = 100;
/** Longer than any process lives: channels are ours to close. */
const neverMs = 2 ** 31 - 1;

/**
 * TLS cannot ask for a server by address, and grpc-js always asks. The certificate is checked
 * against the address all the same.
 */
const nameInsteadOfAddress = "tunnel-server";

/**
 * A gRPC channel with a TCP connection of its own: two channels to one address never share one, so
 * that a load balancer may send them to different servers.
 */
export function openChannel(settings: ChannelSettings): Client {
  const { ca, cert, key } = settings.tls;
  const name = settings.serverName ?? hostOf(settings.address);
  const context = createSecureContext({ ca, cert, key, minVersion: "TLSv1.2" });
  const options: ChannelOptions = {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    // Whoever wants a proxy says so; the environment is read at the edge.
    "grpc.enable_http_proxy": 0,
    "grpc.client_idle_timeout_ms": neverMs,
    "grpc.initial_reconnect_backoff_ms": minReconnectDelayMs,
    "grpc.max_reconnect_backoff_ms": settings.maxReconnectDelayMs,
    "grpc.keepalive_time_ms": settings.keepaliveTimeMs,
    "grpc.keepalive_timeout_ms": settings.keepaliveTimeoutMs,
    "grpc.keepalive_permit_without_calls": settings.isPingingIdle ? 1 : 0,
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.primary_user_agent": settings.userAgent,
    "grpc-node.flow_control_window": streamWindowBytes,
    "grpc.ssl_target_name_override": isIP(name) === 0 ? name : nameInsteadOfAddress,
    "grpc.default_authority": name.includes(":") ? `[${name}]` : name,
  };
  const secure = ChannelCredentials.createFromSecureContext(context, {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(name, certificate),
  });
  const credentials = untilClosed(secure);
  const { proxy, address } = settings;
  if (proxy === undefined) return new Client(address, credentials, options);
  const proxied = throughProxy(credentials, proxy, {
    host: hostOf(address),
    port: portOf(address),
  });
  const { host, port } = proxyAddress(proxy);
  return new Client(`${host.includes(":") ? `[${host}]` : host}:${port}`, proxied, options);
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
