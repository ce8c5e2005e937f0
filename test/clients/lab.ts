// A real Keyturn for clients to verify against: keyturn standalone with its gateway, behind TLS as issuers are, and what is asked of it.
import { createPrivateKey } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { SignJWT } from "jose";
import type { Algorithm } from "../../src/ring/key.ts";
import { type Keyturn, save } from "../binary/support/keyturn.ts";
import type { LineProcess } from "../binary/support/line-process.ts";
import { RingWatch } from "../binary/support/ring-watch.ts";
import { Verifier } from "../binary/support/verifier.ts";
import { newAuthority } from "../kube/support/certificates.ts";
import type { Client, Start } from "./clients.ts";

const audience = "api";

interface Fetched {
  readonly what: "discovery" | "jwks";
  readonly atMs: number;
}

export interface LabOptions {
  readonly algorithm: Algorithm;
  readonly propagationSeconds: number;
}

/** One issuer. */
export class Lab {
  readonly #keyturn: Keyturn;
  readonly #folder: string;
  readonly #options: LabOptions;
  readonly #verifiers: Verifier[] = [];
  #server!: Server;
  #program!: LineProcess;
  issuer = "";
  watch!: RingWatch;
  /** What was asked for, oldest first. */
  readonly fetched: Fetched[] = [];

  private constructor(keyturn: Keyturn, folder: string, options: LabOptions) {
    this.#keyturn = keyturn;
    this.#folder = folder;
    this.#options = options;
  }

  static async begin(keyturn: Keyturn, options: LabOptions): Promise<Lab> {
    const lab = new Lab(keyturn, await mkdtemp(join(tmpdir(), "keyturn-clients-")), options);
    await lab.#serve();
    await lab.configure(options.algorithm);
    lab.#program = keyturn.start([
      ...["standalone", "--dir", lab.#dir, "--config", join(lab.#folder, "rotation.yaml"), "--gateway"],
      ...["--listen", `unix:${lab.#at("front")}`, "--mint-listen", `unix:${lab.#at("mint")}`],
      ...["--admin-listen", "127.0.0.1:0"],
    ]);
    lab.watch = await RingWatch.over(join(lab.#dir, "public"), () =>
      lab.#program.isRunning ? undefined : lab.#program.output.stderr,
    );
    // It mints when it is ready
    await lab.mint();
    return lab;
  }

  /** A file, a socket or a folder of its own: no two labs take a port from each other. */
  #at(name: string): string {
    return join(this.#folder, name);
  }

  get #dir(): string {
    return this.#at("keys");
  }

  /** TLS, and a note of what was asked for: all else is the gateway's. */
  async #serve(): Promise<void> {
    const authority = newAuthority("clients");
    await writeFile(join(this.#folder, "ca.pem"), authority.cert);
    this.#server = createServer(authority.issue("issuer"), ({ url = "/", headers }, response) => {
      this.fetched.push({ what: url.endsWith("jwks.json") ? "jwks" : "discovery", atMs: Date.now() });
      const asked = request({ socketPath: this.#at("front"), path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      asked.on("error", () => response.destroy()).end();
    });
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    const address = this.#server.address();
    this.issuer = `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  /** Writes the file that is in force; nothing rotates by itself. */
  configure(algorithm: Algorithm, propagationSeconds = this.#options.propagationSeconds): Promise<void> {
    return save(
      join(this.#folder, "rotation.yaml"),
      `apiVersion: keyturn.dev/v1alpha1
kind: JwtKeyRotation
metadata: { name: clients }
spec:
  algorithm: ${algorithm}
  ${/^[RP]S/.test(algorithm) ? "rsaModulusBits: 2048" : ""}
  rotation: { interval: 0s }
  propagation: { minimum: ${propagationSeconds}s }
  tokens: { issuer: "${this.issuer}", audiences: [${audience}], maxTTL: 5m, clockSkew: 0s }
`,
    );
  }

  /** A token as the gateway makes it; waited for while it can't be made. */
  async mint(): Promise<{ readonly token: string; readonly kid: string }> {
    for (;;) {
      const body = await this.#tryToMint().catch(() => undefined);
      if (body !== undefined) return JSON.parse(body) as { token: string; kid: string };
      if (!this.#program.isRunning) throw new Error(`Keyturn has ended:\n${this.#program.output.stderr}`);
      await pause(100);
    }
  }

  #tryToMint(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", connection: "close" };
      const asked = request({ socketPath: this.#at("mint"), path: "/token", method: "POST", headers }, (answer) => {
        text(answer).then((body) => resolve(answer.statusCode === 200 ? body : undefined), reject);
      });
      asked.on("error", reject).end(JSON.stringify({ sub: "alice" }));
    });
  }

  /** A token as an application makes it with `signing.pem`. */
  async sign(claims: Readonly<Record<string, unknown>>): Promise<string> {
    const read = (name: string): Promise<string> => readFile(join(this.#dir, "signer/..data", name), "utf8");
    const nowSeconds = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: this.issuer, aud: audience, sub: "alice", exp: nowSeconds + 120, ...claims })
      .setProtectedHeader({ alg: this.#options.algorithm, kid: await read("kid") })
      .sign(createPrivateKey(await read("signing.pem")));
  }

  /** Resolves when the gateway has said that it has the next key, of this algorithm: then its documents have it, too. */
  standby(algorithm: Algorithm): Promise<void> {
    return this.watch.until(
      `a published standby of ${algorithm}`,
      ({ standby }) => standby?.profile.algorithm === algorithm && standby.publishedAt !== undefined,
    );
  }

  /** Another key signs, of which no copy from before the last rotation knows. */
  async rotate(): Promise<void> {
    const before = this.watch.signer?.kid;
    const seconds = this.#options.propagationSeconds + 60;
    await this.#keyturn.run(["rotate", "--dir", this.#dir, "--wait", "--timeout", `${seconds}s`]);
    await this.watch.until("another signer", ({ signer }) => signer?.kid !== before, seconds * 1000);
  }

  /** A process that verifies by this issuer's keys. */
  verifier({ library }: Client, [command, ...args]: Start): Verifier {
    const ca = join(this.#folder, "ca.pem");
    const env = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"].map((name) => `${name}=${ca}`);
    const jwks = `${this.issuer}/.well-known/jwks.json`;
    const verifier = new Verifier({ name: library, caches: true }, [
      ...(["env", ...env, command, ...args] as [string, ...string[]]),
      ...[library, this.issuer, jwks, audience],
    ]);
    this.#verifiers.push(verifier);
    return verifier;
  }

  /** How often it was asked for a document since then. */
  count(what: Fetched["what"], sinceMs = 0): number {
    return this.fetched.filter((one) => one.what === what && one.atMs >= sinceMs).length;
  }

  async end(): Promise<void> {
    for (const verifier of this.#verifiers) await verifier.end();
    this.watch.close();
    await this.#program.end("SIGTERM");
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
