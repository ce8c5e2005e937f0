import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { stringify } from "yaml";
import { save } from "../../binary/support/keyturn.ts";
import type { Chance } from "../chance.ts";
import type { Diary } from "../judge/diary.ts";
import type { Ledger } from "../judge/ledger.ts";
import { type Files, privateHalves } from "../programs/app.ts";
import { Child, printsOf } from "../programs/child.ts";
import { FakeClock } from "../programs/faketime.ts";
import { Gateway } from "../programs/gateway.ts";
import type { Prints } from "../report.ts";
import { pairsWork } from "./pairs.ts";
import { spec } from "./settings.ts";
import { type Tool, toolOf } from "./tools.ts";

export interface DirectoryOptions {
  readonly folder: string;
  readonly logs: string;
  readonly keyturn: readonly [string, ...string[]];
  readonly library: string | undefined;
}

const gatewayCount = 2;
const lookEveryMs = 500;
const mostRevoked = 40;

/** The status as `keyturn status -o json` tells it. */
export interface DirectoryStatus {
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly keys: readonly { readonly kid: string; readonly state: string }[];
  readonly gateways: { readonly expected: number; readonly acknowledged: number };
  readonly revocations?: readonly { readonly kid: string; readonly acknowledged?: boolean }[];
}

/** `keyturn standalone` on a directory, gateways there, and who looks after them. */
export class DirectoryWorld {
  readonly side = "standalone";
  readonly dir: string;
  readonly config: string;
  readonly ledger: Ledger;
  readonly diary: Diary;
  readonly tool: Tool;
  /** While true nobody starts what has ended. */
  isHeld = false;
  standalone: Child | undefined;
  clock: FakeClock | undefined;
  readonly #options: DirectoryOptions;
  readonly #running: Gateway[] = [];
  readonly #held = new Set<Gateway>();
  /** What the person wants revoked. */
  revoked: readonly string[] = [];
  #made = 0;
  #isOver = false;
  #loops: readonly Promise<void>[] = [];

  constructor(options: DirectoryOptions, { ledger, diary }: { readonly ledger: Ledger; readonly diary: Diary }) {
    this.#options = options;
    this.ledger = ledger;
    this.diary = diary;
    this.dir = join(options.folder, "keys");
    this.config = join(options.folder, "rotation.yaml");
    const tool = toolOf(options.keyturn);
    this.tool = (...args) => tool(...args, "--dir", this.dir);
  }

  async start(): Promise<void> {
    const { folder, library } = this.#options;
    await mkdir(folder, { recursive: true });
    this.clock = library === undefined ? undefined : await FakeClock.at(library, join(folder, "clock"));
    await this.configure(configText(spec));
    for (let count = 0; count < gatewayCount; count++) await this.addGateway();
    this.#loops = [this.#supervise(), this.#look()];
  }

  /** Notes a revocation; those of long ago are taken out of what the tools have asked for, before there are too many. */
  async addRevoked(kid: string): Promise<void> {
    this.revoked = [...this.revoked, kid];
    if (this.revoked.length < mostRevoked) return;
    this.revoked = this.revoked.slice(-mostRevoked / 2);
    const path = join(this.dir, "overrides.json");
    const overrides = JSON.parse(await readFile(path, "utf8")) as { revokedKids?: readonly { kid: string }[] };
    const revokedKids = overrides.revokedKids?.filter((one) => this.revoked.includes(one.kid));
    await save(path, JSON.stringify({ ...overrides, revokedKids }));
  }

  /** Writes the config file. */
  configure(text: string): Promise<void> {
    return save(this.config, text);
  }

  async addGateway(): Promise<void> {
    const name = `directory-${++this.#made}`;
    const { logs: folder, keyturn } = this.#options;
    const source = ["--dir", this.dir, "--instance", name];
    this.#running.push(await Gateway.make({ name, keyturn, source, folder, env: {} }));
  }

  /** Ends one for good. */
  async removeGateway(gateway: Gateway): Promise<void> {
    this.#running.splice(this.#running.indexOf(gateway), 1);
    await gateway.end("SIGTERM");
    gateway.close();
  }

  gateways = (): readonly Gateway[] => this.#running;

  /** What each process takes now. */
  prints = (): Prints =>
    printsOf([["standalone", this.standalone], ...this.#running.map(({ name, child }) => [name, child] as const)]);

  /** One that nothing else is wrong with, which nobody starts again until the function that comes with it is called. */
  hold(chance: Chance): { readonly gateway: Gateway; readonly giveBack: () => void } {
    const gateway = chance.of(this.#running.filter((one) => !this.#held.has(one)));
    this.#held.add(gateway);
    return { gateway, giveBack: () => void this.#held.delete(gateway) };
  }

  /** What an application signs with: one set, behind `..data`. */
  #files: Files | undefined;
  files = (): Files | undefined => this.#files;

  async #supervise(): Promise<void> {
    const { logs, keyturn } = this.#options;
    const [program, ...first] = keyturn;
    const args = ["standalone", "--dir", this.dir, "--config", this.config];
    while (!this.#isOver) {
      if (this.standalone?.isRunning !== true && !this.isHeld)
        this.standalone = new Child([program, ...first, ...args], {
          logFile: join(logs, "standalone.log"),
          env: this.clock?.env ?? {},
        });
      for (const gateway of this.#running) {
        if (!gateway.isRunning && !this.#held.has(gateway)) gateway.start();
        gateway.isRouted = await gateway.isReady();
      }
      await after(lookEveryMs);
    }
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      this.#files = await filesOf(join(this.dir, "signer"));
      if (this.#files) this.ledger.signers(privateHalves(this.#files), "the signer directory");
      for (const { podName, generation, verifies } of await acksIn(join(this.dir, "acks")))
        if (generation > 0) this.ledger.acknowledged(podName, verifies);
      await after(lookEveryMs);
    }
  }

  async status(): Promise<DirectoryStatus | string> {
    const { code, stdout, output } = await this.tool("status", "-o", "json");
    if (code !== 0) return `keyturn status ended with ${code}: ${output}`;
    return (JSON.parse(stdout) as { status: DirectoryStatus }).status;
  }

  /** What keeps this world from being healthy, or undefined. */
  async ails(): Promise<string | undefined> {
    const status = await this.status();
    if (typeof status === "string") return status;
    const ready = status.conditions.find(({ type }) => type === "Ready");
    if (ready?.status !== "True")
      return `Ready is ${ready?.status ?? "not there"}: ${ready?.reason ?? ""}, ${ready?.message ?? ""}`;
    for (const { kid, acknowledged } of status.revocations ?? [])
      if (acknowledged === true) this.ledger.acknowledgedByAll(kid);
    const undone = this.revoked.find((kid) => !status.revocations?.some((one) => one.kid === kid && one.acknowledged));
    if (undone !== undefined) return `the revocation of ${undone} is not acknowledged`;
    const { expected, acknowledged } = status.gateways;
    if (acknowledged !== expected || expected !== this.#running.length)
      return `${acknowledged} gateways of ${expected} have acknowledged, of ${this.#running.length} that run`;
    const away = this.#running.find((gateway) => !gateway.isRouted);
    if (away) return `${away.name} is not ready`;
    if (privateHalves(this.#files ?? {}) !== 1) return "the signer directory has no signer";
    const open = await filesOf(join(this.dir, "public"));
    return pairsWork(this.#running, open?.["jwks.json"]);
  }

  /** A directory is not heard but read: each edit of the config file is one. */
  proveEars = (): Promise<void> => Promise.resolve();

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    this.standalone?.signal("SIGCONT");
    await this.standalone?.end("SIGTERM");
    for (const gateway of [...this.#running]) {
      gateway.child?.signal("SIGCONT");
      await this.removeGateway(gateway);
    }
  }
}

/** The config file with this spec. */
export const configText = (wanted: object): string =>
  stringify({ apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", metadata: { name: "soak" }, spec: wanted });

/** A folder's files as one set, or undefined while there is none. */
async function filesOf(folder: string): Promise<Files | undefined> {
  try {
    const data = join(folder, "..data");
    const names = await readdir(data);
    const read = async (name: string) => [name, await readFile(join(data, name), "utf8")] as const;
    return Object.fromEntries(await Promise.all(names.map(read)));
  } catch {
    // Not there, or swapped while it was read
    return undefined;
  }
}

interface Ack {
  readonly podName: string;
  readonly generation: number;
  readonly verifies: readonly string[];
}

async function acksIn(folder: string): Promise<readonly Ack[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8").catch(() => "")));
  return texts.filter((text) => text !== "").map((text) => JSON.parse(text) as Ack);
}
