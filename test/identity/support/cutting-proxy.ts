import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";

/** Stands before a server, and cuts the connection in place of the next answers. */
export interface CuttingProxy {
  readonly origin: string;
  /** So many answers are lost from now on: the server has given them, and nobody hears. */
  cut: number;
  /** How many requests came, and how many answers were cut. */
  readonly seen: { requests: number; cut: number };
  close(): Promise<void>;
}

export async function cuttingProxy(port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
    }
    client.on("data", (chunk) => {
      if (chunk.toString("latin1").startsWith("POST ")) proxy.seen.requests++;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (proxy.cut === 0) return void client.write(chunk);
      proxy.cut--;
      proxy.seen.cut++;
      client.destroy();
      upstream.destroy();
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: own } = server.address() as AddressInfo;
  const proxy: CuttingProxy = {
    ...{ origin: `http://127.0.0.1:${own}`, cut: 0, seen: { requests: 0, cut: 0 } },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
