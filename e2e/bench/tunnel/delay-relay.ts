import { connect, createServer, type Socket } from "node:net";

/** A link with a long round trip, as a process: `delay-relay.ts LISTEN-PORT PORT ROUND-TRIP-MS`. */
const [from, to, roundTripMs = 0] = process.argv.slice(2).map(Number);

createServer((near) => {
  const far = connect({ host: "127.0.0.1", port: to ?? 0, noDelay: true });
  near.setNoDelay(true);
  pass(near, far);
  pass(far, near);
}).listen(from, "127.0.0.1");

/** Half the round trip later, in order. What is on the way is bounded by the senders' windows. */
function pass(source: Socket, sink: Socket): void {
  const later = (action: () => void) => setTimeout(action, roundTripMs / 2);
  source.on("data", (bytes: Buffer) => later(() => sink.write(bytes)));
  source.on("end", () => later(() => sink.end()));
  source.on("error", () => undefined);
  source.on("close", () => later(() => sink.destroy()));
}
