import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { newPair } from "./quiet-agent.ts";

export interface GivingServer {
  readonly url: string;
  close(): void;
}

/** An issuer over HTTP that gives a pair to whoever asks, at once, and forgets it. */
export async function givingServer(expiresInSeconds: number): Promise<GivingServer> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/json");
      response.end(request.url === "/oauth2/token" ? pairText(expiresInSeconds) : "{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function pairText(expiresInSeconds: number): string {
  const { accessToken, refreshToken } = newPair();
  return JSON.stringify({
    ...{ access_token: accessToken, token_type: "Bearer", expires_in: expiresInSeconds },
    ...{ refresh_token: refreshToken, refresh_token_expires_in: 86_400 },
  });
}
