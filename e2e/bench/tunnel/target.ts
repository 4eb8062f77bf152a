import { createServer, type Socket } from "node:net";

/** A target as a process of its own. The first byte of a connection says what it wants. */
const [port = "0"] = process.argv.slice(2);
const chunk = Buffer.alloc(256 * 1024);

createServer((socket) => {
  socket.setNoDelay(true).on("error", () => undefined);
  socket.once("data", (first: Buffer) => serve(socket, String.fromCodePoint(first[0] ?? 0)));
}).listen(Number(port), "127.0.0.1");

function serve(socket: Socket, wish: string): void {
  if (wish === "d") {
    const write = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on("drain", write).resume();
    write();
  } else if (wish === "u") {
    socket.resume();
  } else {
    socket.write(wish);
    socket.pipe(socket);
  }
}
