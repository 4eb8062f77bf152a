import { Socket } from "node:net";

/*
 * Loaded before the agent: on a managed cluster, a Service named like the cluster leads to its API
 * server. There are no Services here, so connections to port 443 go where the API server listens.
 */
const port = Number(process.env["BENCH_API_SERVER_PORT"]);
const prototype = Socket.prototype as { connect: (...args: unknown[]) => Socket };
const { connect } = prototype;
prototype.connect = function redirected(this: Socket, ...args: unknown[]): Socket {
  // `net.connect` hands over its arguments as one list, options first.
  const [list] = args;
  const options = (Array.isArray(list) ? list[0] : list) as { port?: number; host?: string };
  if (options.port === 443) Object.assign(options, { port, host: "127.0.0.1" });
  return connect.apply(this, args);
};
