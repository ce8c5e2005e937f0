import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Proxy {
  /** The server's address through the proxy. */
  readonly server: string;
  readonly opened: () => number;
  /** From now on nothing comes through, and nobody is told: as when a cable is pulled. New connections work. */
  freeze(): void;
  /** Ends every connection. */
  cut(): void;
  /** True: connections are closed as they come, and those that are there, too. */
  refuse(isOn: boolean): void;
}

/** A wire to a server, that a test counts, freezes and cuts. TLS goes through as it is. Ends with the test. */
export async function proxyTo(target: string): Promise<Proxy> {
  const { hostname, port, protocol } = new URL(target);
  const pairs = new Set<readonly [Socket, Socket]>();
  let opened = 0;
  let refuses = false;
  const server = createServer((client) => {
    if (refuses) {
      client.destroy();
      return;
    }
    opened += 1;
    const upstream = connect(Number(port), hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.pipe(upstream).pipe(client);
    for (const socket of pair) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const cut = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  onTestFinished(() => {
    server.close();
    cut();
  });
  return {
    server: `${protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`,
    opened: () => opened,
    cut,
    refuse: (isOn) => {
      refuses = isOn;
      if (isOn) cut();
    },
    freeze: () => {
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream).pause();
        upstream.unpipe(client).pause();
      }
    },
  };
}
