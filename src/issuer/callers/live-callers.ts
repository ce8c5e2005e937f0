import { createHmac, randomBytes } from "node:crypto";
import { dirname, resolve } from "node:path";
import type { KeyturnError } from "../../errors/keyturn-error.ts";
import { readCa } from "../../http/read-ca.ts";
import { FollowedFiles } from "../../files/followed-files.ts";
import { onlyOneOf } from "../../parse/only-one-of.ts";
import { parseTokenIssuer } from "../config/read-token-issuer.ts";
import { tokenIssuerKind } from "../../parse/api-names.ts";
import type { Client, TokenIssuer, Trust } from "../config/token-issuer.ts";
import type { ClientCaller, ForeignCaller, RefusedCaller } from "./caller.ts";
import type { Callers, ShownSecret } from "./callers.ts";
import { readSecrets } from "./client-secrets.ts";
import { Clients, type StoredSecret } from "./clients.ts";
import { ForeignTokens } from "./foreign-tokens.ts";
import { judgeKeyOf, openJudge, type OpenJudge, type JudgePorts } from "./judges.ts";
import { SingleUse } from "./single-use.ts";

export interface LiveOptions extends JudgePorts {
  /** The TokenIssuer file; documents of other kinds in it are passed over. */
  readonly path: string;
  /** A change that the kernel does not tell of is seen after this long. @default 10000 */
  readonly pollMs?: number;
}

/** What was read: the file, and all that it names. */
interface Read {
  readonly config: TokenIssuer;
  readonly secrets: readonly (readonly [Client, readonly StoredSecret[]])[];
  /** Another one whenever something in it is. */
  readonly stamp: string;
}

interface InForce extends Read {
  readonly clients: Clients;
  readonly foreign: ForeignTokens;
  readonly judges: ReadonlyMap<string, OpenJudge>;
}

/**
 * Reads the file, and everything that it names, for the first time.
 *
 * @throws KeyturnError when it can't be used: nobody starts with that
 */
export async function openCallers(options: LiveOptions): Promise<LiveCallers> {
  const callers = new LiveCallers(options);
  await callers.open();
  return callers;
}

/**
 * Callers by a file that is looked at again and again, with the files that it names. One that can't be used is refused, said in the log
 * and in {@link refused}, and the one before stays in force.
 */
export class LiveCallers implements Callers {
  readonly #options: LiveOptions;
  readonly #key = randomBytes(32);
  readonly #singleUse = new SingleUse();
  #files: FollowedFiles<Read> | undefined;
  #inForce: InForce | undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get config(): TokenIssuer {
    return this.#now.config;
  }

  /** Why what stands in the file now is not in force; undefined while it is. For readiness and metrics. */
  get refused(): KeyturnError | undefined {
    return this.#files?.refused;
  }

  authenticate(shown: ShownSecret): Promise<ClientCaller | RefusedCaller> {
    return this.#now.clients.authenticate(shown);
  }

  verify(token: string): Promise<ForeignCaller | RefusedCaller> {
    return this.#now.foreign.verify(token);
  }

  async open(): Promise<void> {
    const { path, clock, pollMs, log } = this.#options;
    this.#files = await FollowedFiles.open<Read>({
      what: "the token issuer's file",
      read: () => this.#read(),
      filesOf: ({ config: { clients } }) => [path, ...clients.flatMap(({ secretFiles }) => secretFiles)],
      isSame: (one, another) => one.stamp === another.stamp,
      take: (read) => this.#enforce(read),
      tell: (refused) => tellOf(refused, log),
      clock,
      ...(pollMs !== undefined && { pollMs }),
    });
  }

  /** Takes what stands in the files now. Never rejects. */
  async reload(): Promise<void> {
    await this.#files?.reload();
  }

  /** Reloads whenever something changes, until the signal; then lets go of everything. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#files?.run(signal);
    this.close();
  }

  /** Ends what goes on in the background. */
  close(): void {
    for (const judge of this.#inForce?.judges.values() ?? []) judge.close();
  }

  get #now(): InForce {
    if (this.#inForce) return this.#inForce;
    throw new TypeError("Cannot ask for callers: must be opened first");
  }

  async #read(): Promise<Read> {
    const { path, files } = this.#options;
    const text = await files.read(path);
    const config = parseTokenIssuer(onlyOneOf(tokenIssuerKind, text, path), dirname(resolve(path)));
    const stamp = createHmac("sha256", this.#key).update(text);
    const secrets: [Client, readonly StoredSecret[]][] = [];
    for (const client of config.clients) {
      const stored = await readSecrets(client, files);
      stamp.update(JSON.stringify(stored));
      secrets.push([client, stored]);
    }
    for (const trust of config.trust) await this.#check(trust);
    return { config, secrets, stamp: stamp.digest("base64") };
  }

  /** That its files can be read: they are read again each time they are needed. */
  async #check({ caFile, bearerTokenFile }: Trust): Promise<void> {
    const { files } = this.#options;
    if (bearerTokenFile !== undefined) await files.readLine(bearerTokenFile);
    if (caFile !== undefined) await readCa(files, caFile);
  }

  #enforce(read: Read): void {
    const before = this.#inForce?.judges ?? new Map<string, OpenJudge>();
    const opened: [Trust, string, OpenJudge][] = [];
    try {
      for (const trust of read.config.trust) {
        const key = judgeKeyOf(trust);
        opened.push([trust, key, before.get(key) ?? openJudge(trust, this.#options)]);
      }
    } catch (error) {
      for (const [, key, one] of opened) if (!before.has(key)) one.close();
      throw error;
    }
    const judges = new Map(opened.map(([, key, one]) => [key, one]));
    const { clock, log } = this.#options;
    const byTrust = new Map(opened.map(([trust, , { judge }]) => [trust, judge]));
    this.#inForce = {
      ...read,
      judges,
      clients: new Clients(read.secrets),
      foreign: new ForeignTokens({ judges: byTrust, clock, log, singleUse: this.#singleUse }),
    };
    for (const [key, one] of before) if (!judges.has(key)) one.close();
    const { clients, trust } = read.config;
    log.info({ clients: clients.length, trust: trust.length }, "The token issuer's file is in force");
  }
}

function tellOf(refused: KeyturnError | undefined, log: LiveOptions["log"]): void {
  if (refused === undefined) {
    log.info({}, "The token issuer's file is the one in force again");
    return;
  }
  const { code, message } = refused;
  log.error({ code }, `The token issuer's file can't be used, the one before stays in force: ${message}`);
}
