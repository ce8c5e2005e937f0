import { readFile, readlink } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { decodeKeyRing } from "../../src/ring/codec.ts";

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
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("Cannot serve: there is no port");
  return {
    url: `http://127.0.0.1:${address.port}/jwks.json`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Resolves `..data` once, and begins anew when what it pointed to is removed meanwhile: as every reader must. */
async function answerFrom(dir: string, tries = 5): Promise<{ jwks: string; maxAge: number }> {
  const version = await readlink(join(dir, "..data"));
  const read = (name: string): Promise<string> => readFile(join(dir, version, name), "utf8");
  try {
    const { ring } = decodeKeyRing(await read("keyring.json"), "public");
    return { jwks: await read("jwks.json"), maxAge: ring.settings.jwksMaxAgeMs / 1000 };
  } catch (error) {
    if (tries === 0) throw error;
    return answerFrom(dir, tries - 1);
  }
}
