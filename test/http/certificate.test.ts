import { once } from "node:events";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { dirname, join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { sendEmpty } from "../../src/http/answer.ts";
import { Certificate, type CertificateChange, type CertificatePair } from "../../src/http/certificate.ts";
import type { Listener } from "../../src/http/listener.ts";
import { systemClock } from "../../src/time/clock.ts";
import { tempDir } from "../files/temp.ts";
import { newAuthority } from "../kube/support/certificates.ts";
import { RawClient, serve } from "./support/serve.ts";

const authority = newAuthority("the authority");
const [one, two] = [authority.issue("one"), authority.issue("two")];

/** Two files, and what follows them. */
class Files {
  readonly changes: CertificateChange[] = [];
  readonly certFile: string;
  readonly keyFile: string;
  #changed = Promise.withResolvers<undefined>();

  private constructor(dir: string) {
    this.certFile = join(dir, "tls.crt");
    this.keyFile = join(dir, "tls.key");
  }

  static async with(pair: CertificatePair): Promise<Files> {
    const files = new Files(await tempDir());
    await files.write(pair);
    return files;
  }

  async write({ cert, key }: Partial<CertificatePair>): Promise<void> {
    for (const [file, text] of [
      [this.certFile, cert],
      [this.keyFile, key],
    ] as const) {
      if (text === undefined) continue;
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    }
  }

  /** As the kubelet: both at once, by one link. */
  async mount(version: string, { cert, key }: CertificatePair): Promise<void> {
    const dir = dirname(this.certFile);
    await mkdir(join(dir, version));
    await writeFile(join(dir, version, "tls.crt"), cert);
    await writeFile(join(dir, version, "tls.key"), key);
    await symlink(version, join(dir, "..new"));
    await rename(join(dir, "..new"), join(dir, "..data"));
    if (version !== "1") return;
    for (const name of ["tls.crt", "tls.key"]) {
      await rm(join(dir, name));
      await symlink(join("..data", name), join(dir, name));
    }
  }

  async open(pollMs?: number): Promise<Certificate> {
    const certificate = await Certificate.open({
      ...{
        certFile: this.certFile,
        keyFile: this.keyFile,
        clock: systemClock,
        ...(pollMs !== undefined && { pollMs }),
      },
      onChange: (change) => {
        this.changes.push(change);
        this.#changed.resolve(undefined);
        this.#changed = Promise.withResolvers();
      },
    });
    const stop = new AbortController();
    const ended = certificate.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await ended;
    });
    return certificate;
  }

  async heard(kind: CertificateChange["kind"]): Promise<void> {
    while (!this.changes.some((change) => change.kind === kind)) await this.#changed.promise;
  }
}

describe("Certificate.open", () => {
  test.each<readonly [string, () => Partial<CertificatePair>]>([
    ["a key of another certificate", () => ({ key: two.key })],
    ["no key", () => ({ key: "no key" })],
    ["no certificate", () => ({ cert: "none" })],
    ["an empty certificate, as one is that is being written", () => ({ cert: "" })],
    ["an empty key", () => ({ key: "" })],
    ["a key in the place of the certificate", () => ({ cert: one.key })],
  ])("refuses %s, and quotes nothing of the files", async (_, wrong) => {
    const files = await Files.with(one);
    await files.write(wrong());
    const error: unknown = await files.open().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CertificateUnusable" });
    expect(String(error)).toContain(`Cannot use "${files.certFile}": must be PEM certificates`);
    for (const line of one.key.split("\n").slice(1, -2)) expect(String(error)).not.toContain(line);
  });

  test("refuses a file that is not there", async () => {
    const files = await Files.with(one);
    const certificate = Certificate.open({
      ...{
        certFile: files.certFile,
        keyFile: join(files.keyFile, "none"),
        clock: systemClock,
        onChange: () => undefined,
      },
    });
    await expect(certificate).rejects.toMatchObject({ code: "FileUnreadable" });
  });
});

describe("Certificate", () => {
  test("takes over what is written over its files", async () => {
    const files = await Files.with(one);
    const certificate = await files.open();
    expect(certificate.current).toEqual(one);
    await files.write(two);
    await files.heard("taken");
    expect(certificate.current).toEqual(two);
    expect(certificate.refused).toBeUndefined();
  });

  test("takes over what the kubelet swaps in behind ..data", async () => {
    const files = await Files.with(one);
    await files.mount("1", one);
    const certificate = await files.open();
    await files.mount("2", two);
    await files.heard("taken");
    expect(certificate.current).toEqual(two);
    expect(files.changes).toEqual([{ kind: "taken" }]);
  });

  test("keeps the one before while the two files do not fit, says so once, and takes the next that do", async () => {
    const files = await Files.with(one);
    const certificate = await files.open(10);
    await files.write({ key: two.key });
    await files.heard("refused");
    expect(certificate.current).toEqual(one);
    expect(certificate.refused).toContain("must be PEM certificates");
    await files.write({ cert: two.cert });
    await files.heard("taken");
    expect(certificate.refused).toBeUndefined();
    expect(files.changes.map(({ kind }) => kind)).toEqual(["refused", "taken"]);
  });
});

/** Who answers, by the name in its certificate; of a new connection. */
async function nameAt({ port }: Listener): Promise<string> {
  const asked = request({ host: "127.0.0.1", port, ca: authority.cert, agent: false });
  asked.end();
  const [answer] = (await once(asked, "response")) as [{ socket: TLSSocket; statusCode?: number; resume: () => void }];
  expect(answer.statusCode).toBe(200);
  answer.resume();
  return String(answer.socket.getPeerCertificate().subject.CN);
}

async function secured(port: number): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ca: authority.cert });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

describe("listen with a certificate", () => {
  test("shows it, and to new connections the one that took its place", async () => {
    const files = await Files.with(one);
    const certificate = await files.open();
    const listener = await serve({ handler: (_, response) => sendEmpty(response, 200), certificate });
    expect(await nameAt(listener)).toBe("one");
    await files.write(two);
    await files.heard("taken");
    expect(await nameAt(listener)).toBe("two");
  });

  test("speaks no TLS older than 1.2, and no clear text", async () => {
    const certificate = await (await Files.with(one)).open();
    const { port, url } = await serve({ handler: (_, response) => sendEmpty(response, 200), certificate });
    const old = connect({ host: "127.0.0.1", port, ca: authority.cert, minVersion: "TLSv1.1", maxVersion: "TLSv1.1" });
    await expect(once(old, "secureConnect")).rejects.toThrow();
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  test("lets an answer that was begun come to its end, and ends at once whoever has not asked", async () => {
    const certificate = await (await Files.with(one)).open();
    const asked = Promise.withResolvers<() => void>();
    const listener = await serve({
      handler: (_, response) => asked.resolve(() => sendEmpty(response, 200)),
      certificate,
    });
    const [silent, asking] = [await secured(listener.port), await secured(listener.port)];
    const gone = once(silent.resume(), "close");
    asking.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const answer = await asked.promise;
    const drained = listener.drain(60_000);
    await gone;
    const heard = once(asking, "data");
    answer();
    expect(String((await heard)[0])).toContain("200 OK");
    await drained;
  });

  test("cuts off a client that shakes no hand in time", async () => {
    const certificate = await (await Files.with(one)).open();
    const { port } = await serve({ handler: (_, response) => sendEmpty(response, 200), certificate }, { headerMs: 50 });
    expect(await (await RawClient.to(port)).ended).toBe("");
  });
});
