import { createServer, get } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { tempDir } from "../../files/temp.ts";
import { newAuthority } from "../../kube/support/certificates.ts";
import { answerTo, bodyOf, opened, proxied, tokenOf } from "./support/proxied.ts";

const [own, other] = [newAuthority("own"), newAuthority("other")];

async function behindTls(maxVersion: "TLSv1.1" | "TLSv1.3", caFile: string | undefined) {
  const options = {
    ...own.issue("localhost"),
    minVersion: "TLSv1",
    maxVersion,
    ciphers: "DEFAULT@SECLEVEL=0",
  } as const;
  const server = createTlsServer(options, (request, response) => response.end(tokenOf(request)));
  const port = await opened(server);
  const spec = { upstream: new URL(`https://localhost:${port}`), ...(caFile !== undefined && { caFile }) };
  const { url } = await proxied(createServer(), spec);
  const message = await answerTo(get(url));
  return [message.statusCode, await bodyOf(message)];
}

test("an upstream by TLS is who its CA says, and nobody else", async () => {
  const dir = await tempDir();
  const [ca, wrong] = [join(dir, "ca.crt"), join(dir, "other.crt")];
  await writeFile(ca, own.cert);
  await writeFile(wrong, other.cert);
  expect(await behindTls("TLSv1.3", ca)).toEqual([200, "shop-1"]);
  expect(await behindTls("TLSv1.3", wrong)).toEqual([502, expect.stringContaining("UpstreamAway")]);
  expect(await behindTls("TLSv1.3", undefined)).toEqual([502, expect.stringContaining("UpstreamAway")]);
  expect(await behindTls("TLSv1.1", ca)).toEqual([502, expect.stringContaining("UpstreamAway")]);
});

test("another CA that is written over the file counts for the next connection; what is none changes nothing", async () => {
  const caFile = join(await tempDir(), "ca.crt");
  await writeFile(caFile, other.cert);
  const server = createTlsServer(own.issue("localhost"), (_, response) => response.end());
  const port = await opened(server);
  const { url, logged } = await proxied(createServer(), { upstream: new URL(`https://localhost:${port}`), caFile });
  const asks = async (): Promise<number | undefined> => {
    const message = await answerTo(get(url, { agent: false }));
    await bodyOf(message);
    return message.statusCode;
  };
  expect(await asks()).toBe(502);
  await writeFile(caFile, own.cert);
  await expect.poll(asks).toBe(200);
  expect(logged.some((line) => line.includes("another CA of the upstream is in force"))).toBe(true);
  await writeFile(caFile, "no certificate");
  await expect.poll(() => logged.join()).toContain("must hold certificates in PEM");
  server.closeAllConnections();
  expect(await asks()).toBe(200);
});

test("a CA that is none is refused at the start", async () => {
  const caFile = join(await tempDir(), "ca.crt");
  await writeFile(caFile, "no certificate");
  await expect(proxied(createServer(), { caFile })).rejects.toMatchObject({ code: "FileUnfit" });
});
