import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { publicObject, signerObject } from "../../../src/crypto/objects.ts";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import type { IssuerOptions } from "../../../src/issuer/issuer-options.ts";
import { runIssuer } from "../../../src/issuer/run-issuer.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { keyRing, type RingPlan } from "../../gateway/support/rings.ts";
import { type Answer, basic, secret, specWith } from "../api/support/world.ts";
import { HeardLog } from "../../support/heard-log.ts";
import { fileWith } from "./token-issuers.ts";

const local = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

type Ports = Parameters<NonNullable<IssuerOptions["onListening"]>>[0];

/** A directory as standalone keeps it, with a TokenIssuer file, and an issuer on it: real keys, files, HTTP. */
export class IssuerHome {
  readonly dir: string;
  readonly log = new HeardLog();
  readonly stop = new AbortController();
  /** What SIGHUP does. */
  reread: () => void = () => undefined;
  ended: Promise<void> = Promise.resolve();
  ports: Ports = { api: 0 };

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<IssuerHome> {
    const home = new IssuerHome(await mkdtemp(join(tmpdir(), "keyturn-issuer-")));
    // The first to be said is the last to be done
    onTestFinished(() => rm(home.dir, { recursive: true, force: true }));
    await mkdir(join(home.dir, "acks"), { mode: 0o700 });
    await writeFile(join(home.dir, "dashboard"), secret);
    await home.allow();
    return home;
  }

  get config(): string {
    return join(this.dir, "issuer.json");
  }

  /** Replaces the TokenIssuer file whole. */
  async allow(file: unknown = fileWith(specWith())): Promise<void> {
    await writeFile(`${this.config}.new`, JSON.stringify(file));
    await rename(`${this.config}.new`, this.config);
  }

  /** A ring as standalone writes it; the names of the keys are those of {@link keyRing}. */
  async writes(plan: RingPlan): Promise<void> {
    const { ring, materials } = keyRing(plan);
    for (const [name, files] of [
      ["signer", signerObject(ring, materials)],
      ["public", publicObject(ring, materials)],
    ] as const) {
      await writeDataDir(nodeDisk(), join(this.dir, name), { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });
    }
  }

  /** Runs an issuer until the test ends; resolves with it as soon as it listens. */
  async start(change: Partial<IssuerOptions> = {}): Promise<this> {
    const listening = this.begin(change);
    this.ports = await Promise.race([listening, this.ended.then(() => this.ports)]);
    return this;
  }

  /** The same, and waits for nothing. */
  begin(change: Partial<IssuerOptions> = {}): Promise<Ports> {
    const listening = Promise.withResolvers<Ports>();
    this.ended = runIssuer({
      sources: { kind: "directory", ring: "signer", acks: "required", dir: this.dir, instance: "one" },
      ...{ config: this.config, store: `sqlite:${join(this.dir, "grants.db")}` },
      ...{ listen: local, adminListen: local, drainMs: 10_000, version: "0.0.0", userAgent: "keyturn/test" },
      ...{ clock: systemClock, chance: () => 0.5, newId: randomUUID, log: this.log, signal: this.stop.signal },
      rereadOn: (reread) => (this.reread = reread),
      onListening: listening.resolve,
      mostASecond: 100_000,
      ...change,
    });
    onTestFinished(async () => {
      this.stop.abort();
      await this.ended.catch(() => undefined);
    });
    return listening.promise;
  }

  /** The address of an endpoint. */
  at(path: string, on: keyof Ports = "api"): string {
    return `http://127.0.0.1:${this.ports[on] ?? 0}${path}`;
  }

  async text(path: string, on: keyof Ports = "admin"): Promise<[number, string]> {
    const answer = await fetch(this.at(path, on));
    return [answer.status, await answer.text()];
  }

  /** A form of OAuth's endpoints, by a client that shows its secret. */
  async form(path: string, form: Readonly<Record<string, string>>, authorization = basic()): Promise<Answer> {
    const body = new URLSearchParams(form);
    const answer = await fetch(this.at(path), { method: "POST", body, headers: { authorization } });
    const text = await answer.text();
    const read: unknown = text === "" ? {} : JSON.parse(text);
    return { status: answer.status, body: { ...(read as object) }, headers: Object.fromEntries(answer.headers) };
  }

  /** A pair by client credentials. */
  pair(more: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.form("/oauth2/token", { grant_type: "client_credentials", ...more });
  }

  renew(refreshToken: string): Promise<Answer> {
    return this.form("/oauth2/token", { grant_type: "refresh_token", refresh_token: refreshToken });
  }
}
