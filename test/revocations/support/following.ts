import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { ChangeNeededError } from "../../../src/errors/keyturn-error.ts";
import { type FollowerOptions, RevocationFollower } from "../../../src/revocations/revocation-follower.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import type { Reply } from "../../kube/support/script-server.ts";

export const startMs = Date.parse("2026-11-21T10:00:00Z");
export const token = "token-of-the-gateway";

/** An event as an issuer says it. */
export const revoked = (seq: number, value: string, more: object = {}): string =>
  `id: ${seq}\ndata: ${JSON.stringify({ seq, kind: "token", value, at: iso(startMs), endsAt: iso(startMs + 3_600_000), ...more })}\n\n`;
export const current = (seq: number): string => `event: current\nid: ${seq}\ndata: {}\n\n`;
export const iso = (ms: number): string => new Date(ms).toISOString();

/** The stream that a reply has opened. */
export interface OpenStream {
  response?: ServerResponse;
}

/** Opens a stream, says this, and leaves it open. */
export const stream =
  (open: OpenStream, ...said: readonly string[]): Reply =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`:\n\n${said.join("")}`);
    open.response = response;
  };

/** Files in memory. */
class Files {
  readonly texts: Record<string, string> = { "/token": token };

  read = (path: string): Promise<string> => {
    const text = this.texts[path];
    return text === undefined
      ? Promise.reject(new ChangeNeededError("FileUnreadable", `Cannot read "${path}": must be a file, is not there`))
      : Promise.resolve(text);
  };

  readLine = this.read;
}

/** A follower that runs until the test ends, and what it had to say. */
export class Following {
  readonly clock = new FakeClock(startMs);
  readonly files = new Files();
  readonly lines: string[] = [];
  readonly follower: RevocationFollower;
  readonly #stop = new AbortController();
  readonly ended: Promise<void>;

  constructor(server: string, change: Partial<FollowerOptions> = {}, files: Readonly<Record<string, string>> = {}) {
    Object.assign(this.files.texts, files);
    const line = (fields: object, message: string): void =>
      void this.lines.push(`${message} ${JSON.stringify(fields)}`);
    this.follower = new RevocationFollower({
      url: new URL(`${server}/v1/revocations`),
      credentials: { kind: "token", tokenFile: "/token" },
      ...{ files: this.files, clock: this.clock, chance: () => 0.5 },
      log: { debug: line, info: line, warn: line, error: line },
      ...change,
    });
    this.ended = this.follower.run(this.#stop.signal);
    onTestFinished(() => this.stop());
  }

  get known(): (value: string) => boolean {
    return (jti) => this.follower.revoked.has({ jti });
  }

  /** All that they tell of themselves. */
  get told(): string {
    return [...this.lines, JSON.stringify(this.follower.health())].join("\n");
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }
}

/** Resolves as soon as it is so. */
export async function soon(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns++) {
    if (turns === 100_000) throw new Error(`it never became so: ${String(isSo)}`);
    await setImmediate();
  }
}
