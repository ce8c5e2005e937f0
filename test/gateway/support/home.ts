import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { publicObject, signerObject } from "../../../src/crypto/objects.ts";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import type { GatewayOptions, Ports } from "../../../src/gateway/options.ts";
import { runGateway } from "../../../src/gateway/run-gateway.ts";
import type { DirectoryPlan } from "../../../src/holder/assemble.ts";
import type { KeyRing } from "../../../src/ring/codec.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { tempDir } from "../../files/temp.ts";
import { keyRing, type RingPlan } from "./rings.ts";

const disk = nodeDisk();
export const local = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

/** A directory as standalone keeps it, and a gateway on it. */
export class Home {
  readonly dir: string;
  readonly lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly stop = new AbortController();
  ended!: Promise<void>;
  ports!: Ports;

  /** What the process has to tell beside. */
  remarks: readonly string[] = [];

  constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<Home> {
    const home = new Home(await tempDir());
    await mkdir(join(home.dir, "acks"), { mode: 0o700 });
    return home;
  }

  writes(plan: RingPlan): Promise<void> {
    return this.writesRing(keyRing(plan));
  }

  async writesRing({ ring, materials }: KeyRing): Promise<void> {
    await this.writesText("signer", signerObject(ring, materials));
    await this.writesText("public", publicObject(ring, materials));
  }

  writesText(object: "signer" | "public", files: Readonly<Record<string, string>>): Promise<void> {
    const write = { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() };
    return writeDataDir(disk, join(this.dir, object), write);
  }

  async start(change: Partial<DirectoryPlan> = {}, mints = true, more: Partial<GatewayOptions> = {}): Promise<this> {
    const line = (fields: object, message: string): void => {
      this.lines.push(`${message} ${JSON.stringify(fields)}`);
      for (const look of this.#waiting) look();
    };
    const listening = Promise.withResolvers<Ports>();
    this.ended = runGateway({
      sources: {
        kind: "directory",
        ring: "signer",
        acks: "required",
        dir: this.dir,
        instance: "one",
        ...change,
      },
      ...{ listen: local, grpcListen: local, adminListen: local, ...(mints && { mintListen: local }) },
      ...{ required: {}, owned: [{ claim: "sub", header: "X-Auth-Subject" }], drainMs: 1000 },
      ...{ clock: systemClock, chance: Math.random, newId: randomUUID, signal: this.stop.signal },
      remarks: () => this.remarks,
      log: { debug: line, info: line, warn: line, error: line },
      onListening: listening.resolve,
      ...more,
    });
    onTestFinished(async () => {
      this.stop.abort();
      await this.ended;
    });
    this.ports = await listening.promise;
    return this;
  }

  /** Resolves when the log has said so. */
  logs(part: string): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.lines.some((line) => line.includes(part))) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  async get(on: "front" | "admin", path: string, headers: Record<string, string> = {}): Promise<[number, string]> {
    const answer = await fetch(`http://127.0.0.1:${this.ports[on]}${path}`, { headers });
    return [answer.status, await answer.text()];
  }

  async verify(token: string): Promise<number> {
    return (await this.get("front", "/verify", { authorization: `Bearer ${token}` }))[0];
  }

  async mint(): Promise<Response> {
    return fetch(`http://127.0.0.1:${await this.ports.mint}/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"sub":"alice"}',
    });
  }
}
