import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import type { CertificatePair } from "../../src/http/certificate.ts";
import { newAuthority } from "../kube/support/certificates.ts";
import { basic } from "./api/support/world.ts";
import { IssuerHome } from "./support/issuer-home.ts";

const authority = newAuthority("the authority");

test("runIssuer with a certificate speaks HTTPS, takes over the next one, and tells one that it can't use", async () => {
  const home = await IssuerHome.make();
  const certificate = { certFile: join(home.dir, "tls.crt"), keyFile: join(home.dir, "tls.key") };
  const write = async ({ cert, key }: CertificatePair): Promise<void> => {
    await writeFile(certificate.keyFile, key);
    await writeFile(certificate.certFile, cert);
  };
  await write(authority.issue("one"));
  await home.writes({ generation: 5 });
  await home.start({ certificate });
  await home.log.heard("} ready");

  /** A pair, of whom the certificate names. */
  async function pairOf(): Promise<readonly [string, number | undefined]> {
    const headers = { authorization: basic(), "content-type": "application/x-www-form-urlencoded" };
    const around = { host: "127.0.0.1", port: home.ports.api, ca: authority.cert, agent: false as const };
    const asked = request({ ...around, method: "POST", path: "/oauth2/token", headers });
    asked.end("grant_type=client_credentials");
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    const { socket } = answer;
    const shown = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : "nobody";
    expect(await text(answer)).toContain("refresh_token");
    return [String(shown), answer.statusCode];
  }

  expect(await pairOf()).toEqual(["one", 200]);
  await write(authority.issue("two"));
  await home.log.heard("another certificate is in force");
  expect(await pairOf()).toEqual(["two", 200]);

  const before = home.log.lines.length;
  await writeFile(certificate.certFile, "none");
  await home.log.heard("must be PEM certificates", before);
  expect(await home.text("/readyz")).toEqual([200, expect.stringMatching(/^\[!\]certificate: Cannot use/)]);
  expect(await pairOf()).toEqual(["two", 200]);
});
