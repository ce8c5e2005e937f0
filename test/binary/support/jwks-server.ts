import { readFile, readlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface JwksServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What any static file server does: hands out `<dir>/jwks.json` with the max-age that the ring asks for. */
export async function serveJwks(dir: string): Promise<JwksServer> {
  const server = createServer((_request, response) => {
    answerFrom(dir).then(
      ({ jwks, maxAge }) => {
        response.writeHead(200, {
          "content-type": "application/jwk-set+json",
          "cache-control": `public, max-age=${maxAge}`,
        });
        response.end(jwks);
      },
      (error: unknown) => {
        response.writeHead(500);
        response.end(String(error));
      },
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/jwks.json`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answerFrom(dir: string): Promise<{ jwks: string; maxAge: number }> {
  const version = await readlink(join(dir, "..data"));
  const jwks = await readFile(join(dir, version, "jwks.json"), "utf8");
  const ring = JSON.parse(await readFile(join(dir, version, "keyring.json"), "utf8")) as {
    settings: { jwksMaxAgeSeconds: number };
  };
  return { jwks, maxAge: ring.settings.jwksMaxAgeSeconds };
}
