/**
 * A program that calls an API again and again, until it is ended, and finds its token anew for each call.
 *
 * node calling-child.ts file|loopback|proxy GATEWAY [PLACE]
 */
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as tick } from "node:timers/promises";

const [way = "", gateway = "", place = process.env["KEYTURN_TOKEN_FILE"] ?? ""] = process.argv.slice(2);

function fromSocket(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const [socketPath = "", path = ""] = place.split("#");
  const headers = { "keyturn-agent": "1", accept: "text/plain", connection: "close" };
  request({ socketPath, path, headers })
    .on("error", reject)
    .on("response", (answer) => void text(answer).then(resolve, reject))
    .end();
  return promise;
}

const withToken = async (token: Promise<string>): Promise<Response> =>
  fetch(`${gateway}/verify`, { headers: { authorization: `Bearer ${(await token).trim()}` } });

const calls: Readonly<Record<string, () => Promise<Response>>> = {
  file: () => withToken(readFile(place, "utf8")),
  loopback: () => withToken(fromSocket()),
  proxy: () => fetch(`${place}/verify`),
};

for (;;) {
  const answer = await calls[way]?.();
  await answer?.arrayBuffer();
  const { status = 0, headers } = answer ?? {};
  const [tokenId, subject] = ["x-auth-token", "x-auth-subject"].map((name) => headers?.get(name));
  console.log(JSON.stringify({ status, tokenId, subject }));
  await tick(25);
}
