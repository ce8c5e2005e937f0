import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, inject } from "vitest";
import { type Connection, kubeConfigText } from "../../../../hack/testcluster/connection.ts";
import { openHome, openShown } from "../../../../src/cli/open-home.ts";
import { run } from "../../../../src/cli/run.ts";
import type { Surroundings } from "../../../../src/cli/surroundings.ts";
import type { Screen } from "../../../../src/tools/text/screen.ts";
import { makeServiceAccount, type RoleRule } from "../../support/roles.ts";
import { tokenFor } from "../../support/scene.ts";

/** What a command wrote, and how it ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CallOptions {
  /** What standard input holds. */
  readonly input?: string;
  /** How far this machine's clock is ahead, in milliseconds. */
  readonly aheadMs?: number;
}

class Paper implements Screen {
  readonly columns = 200;
  readonly colour = false;
  readonly unicode = false;
  readonly live = false;
  readonly rows = Infinity;
  text = "";
  readonly #hears: () => void;

  constructor(hears: () => void = () => undefined) {
    this.#hears = hears;
  }

  write(text: string): void {
    this.text += text;
    this.#hears();
  }
}

/** A command that goes on. */
export class Running {
  readonly ended: Promise<Ended>;
  readonly #interruption = new AbortController();
  readonly #heard = new EventTarget();
  readonly #out = new Paper(() => void this.#heard.dispatchEvent(new Event("written")));
  readonly #err = new Paper(() => void this.#heard.dispatchEvent(new Event("written")));

  constructor(kubeConfig: string, args: readonly string[], { input = "", aheadMs = 0 }: CallOptions) {
    const env = { KUBECONFIG: kubeConfig };
    const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() };
    const opening = { clock, env, version: "0.0.0" };
    const around: Surroundings = {
      io: {
        ...{ out: this.#out, err: this.#err, timeZone: "UTC", interrupted: this.#interruption.signal },
        ...{ nowMs: clock.nowMs, randomId: randomUUID },
        pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
      },
      ...{ name: "keyturn", version: "0.0.0", platform: { node: "", system: "" }, logIsLive: false },
      openHome: (flags) => openHome(flags, opening),
      openShown: (flags) => openShown(flags, opening),
      readFile: (path) => readFile(path, "utf8"),
      readInput: async () => input,
      readSecret: async () => input,
      ...{
        monotonicMs: clock.monotonicMs,
        env,
        hostname: "here",
        chance: () => 0.5,
        rereadOn: () => undefined,
        relaySignals: () => () => undefined,
      },
    };
    this.ended = run(args, around, process.env).then((code) => ({ code, out: this.#out.text, err: this.#err.text }));
  }

  /** Resolves when the error stream has had the text; rejects when the command ends without it. */
  says(text: string): Promise<void> {
    return this.#has(this.#err, text);
  }

  /** The same, of the output. */
  shows(text: string): Promise<void> {
    return this.#has(this.#out, text);
  }

  async #has(paper: Paper, text: string): Promise<void> {
    const over = this.ended.then(({ out, err }) => {
      if (!paper.text.includes(text)) throw new Error(`ended without saying "${text}": ${out}${err}`);
    });
    while (!paper.text.includes(text)) {
      const written = new Promise((resolve) => {
        this.#heard.addEventListener("written", resolve, { once: true });
      });
      await Promise.race([written, over]);
    }
  }

  interrupt(): void {
    this.#interruption.abort();
  }
}

/** Somebody with a kubeconfig. */
export class Person {
  readonly kubeConfig: string;

  constructor(kubeConfig: string) {
    this.kubeConfig = kubeConfig;
  }

  start(args: string, options: CallOptions = {}): Running {
    return new Running(this.kubeConfig, args.split(" "), options);
  }

  /** @param args - With a space between each */
  keyturn(args: string, options: CallOptions = {}): Promise<Ended> {
    return this.start(args, options).ended;
  }
}

/** The cluster's administrator. */
export const administrator = new Person(inject("cluster").kubeConfigFile);

/** Somebody who may do this in the namespace, and nothing else. */
export async function makePerson(namespace: string, name: string, rules: readonly RoleRule[]): Promise<Person> {
  await makeServiceAccount(namespace, name, rules);
  const { server, ca } = inject("cluster").connection;
  const token = await tokenFor(namespace, name);
  return personWith({ server, token, ...(ca !== undefined && { ca }) });
}

/** The administrator, by another way to the API server. */
export const administratorBy = (server: string): Promise<Person> =>
  personWith({ ...inject("cluster").connection, server });

async function personWith(connection: Connection): Promise<Person> {
  const file = join(await makeFolder(), "kubeconfig");
  await writeFile(file, kubeConfigText(connection), { mode: 0o600 });
  return new Person(file);
}

/** A folder that is gone after the file's tests. */
export async function makeFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-tools-"));
  afterAll(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** What `status`, `timeline`, `plan` and `wait` need where Secrets are out of reach. */
export const looks: readonly RoleRule[] = [
  { apiGroups: ["keyturn.dev"], resources: ["jwtkeyrotations", "keyringacks"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["configmaps", "pods"], verbs: ["get", "list", "watch"] },
];

/** And what changes need. */
export const edits: readonly RoleRule[] = [
  { apiGroups: ["keyturn.dev"], resources: ["jwtkeyrotations"], verbs: ["patch"] },
];
