import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as tick } from "node:timers/promises";
import { promisify } from "node:util";
import { decodeJwt } from "jose";
import { freePort } from "../../../hack/free-port.ts";
import { basic, secret } from "../../issuer/api/support/world.ts";
import { clientWith, fileWith } from "../../issuer/support/token-issuers.ts";
import { IssuerProgram, mainProgram } from "../issuer/issuer-program.ts";
import { save } from "../support/keyturn.ts";
import { LineProcess } from "../support/line-process.ts";
import { AgentProgram } from "./agent-program.ts";
import { Way } from "./way.ts";

/** No leeway: a token that has ended is refused. */
const rotation = `apiVersion: keyturn.dev/v1alpha1
kind: JwtKeyRotation
metadata: { name: agent-test }
spec:
  rotation: { interval: 0s }
  propagation: { minimum: 1s }
  tokens: { issuer: "https://issuer.example", audiences: [api], maxTTL: 60s, clockSkew: 0s }
  rotationWindow: 60s
`;

/** What a gateway says to a token, and of which token it says it. */
export interface Verdict {
  readonly status: number;
  readonly tokenId: string | null;
  readonly subject: string | null;
}

export interface LiveGrant {
  readonly client: string;
  readonly sid: string;
  readonly renewals: number;
}

/** An issuer and a gateway in processes of their own, with a way between issuer and agents. Every identity is a client of its own name. */
export class AgentWorld {
  readonly dir: string;
  readonly issuer: IssuerProgram;
  readonly way: Way;
  /** Where a gateway on the issuer's ring says what it thinks of a token. */
  readonly gateway: string;
  readonly #closing: (() => unknown)[];

  private constructor(parts: Pick<AgentWorld, "dir" | "issuer" | "way" | "gateway">, closing: (() => unknown)[]) {
    this.dir = parts.dir;
    this.issuer = parts.issuer;
    this.way = parts.way;
    this.gateway = parts.gateway;
    this.#closing = closing;
  }

  /**
   * @param clients - The names of identities that there may be
   * @param accessTTL - How long the token of one lives that asks for nothing else
   */
  static async begin(clients: readonly string[], accessTTL = "20s"): Promise<AgentWorld> {
    const dir = await mkdtemp(join(tmpdir(), "keyturn-agent-"));
    const [keys, config] = [join(dir, "keys"), join(dir, "rotation.yaml")];
    await save(config, rotation);
    await writeFile(join(dir, "secret"), secret);
    await allow(dir, clients, accessTTL);
    const from = [`--dir=${keys}`, `--config=${config}`, `--token-issuer=${join(dir, "issuer.json")}`];
    const issuer = await IssuerProgram.begin({ args: ["standalone", ...from, "--request-rate=100000"] });
    const listen = `127.0.0.1:${await freePort()}`;
    const gateway = new LineProcess(process.execPath, [
      ...[mainProgram, "gateway", `--dir=${keys}`, "--acks=off", `--listen=${listen}`, "--admin-listen=127.0.0.1:0"],
      ...["--claim-headers=sub=X-Auth-Subject,jti=X-Auth-Token", `--revocations=${issuer.address}/v1/revocations`],
      ...["--revocations-client=gateway", `--revocations-secret-file=${join(dir, "secret")}`],
    ]);
    const way = await Way.begin(issuer.address);
    const closing = [() => rm(dir, { recursive: true }), () => issuer.end(), () => gateway.end(), () => way.close()];
    const world = new AgentWorld({ dir, issuer, way, gateway: `http://${listen}` }, closing);
    await world.#isAtWork(gateway);
    return world;
  }

  /** The gateway takes the issuer's tokens. */
  async #isAtWork(gateway: LineProcess): Promise<void> {
    const body = new URLSearchParams({ grant_type: "client_credentials" });
    const answer = await fetch(`${this.issuer.address}/oauth2/token`, {
      ...{ method: "POST", body, headers: { authorization: basic("gateway") } },
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    for (;;) {
      if (!gateway.isRunning) throw new Error(`The gateway has ended:\n${gateway.output.stderr}`);
      const verdict = await this.verdictOn(token).catch(() => undefined);
      if (verdict?.status === 200) return;
      await tick(20);
    }
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  /** An identity of a TokenAgent file: a client of that name, and a file of that name for its token. */
  identity(name: string, accessTTL?: string): object {
    const source = { clientSecret: { clientID: name, secretFile: this.path("secret") } };
    const request = accessTTL === undefined ? {} : { accessTTL };
    return { name, source, request, sinks: [{ file: { path: this.path(`${name}.token`) } }] };
  }

  /** A proxy to the gateway. Returns what stands in the file, and its address. */
  async proxy(identity: string): Promise<{ readonly spec: object; readonly origin: string }> {
    const listen = `127.0.0.1:${await freePort()}`;
    return { spec: { listen, upstream: this.gateway, identity }, origin: `http://${listen}` };
  }

  /** Replaces an agent's file whole. */
  save(name: string, spec: object): Promise<void> {
    const file = { apiVersion: "keyturn.dev/v1alpha1", kind: "TokenAgent", metadata: { name: "agent" } };
    const issuer = { url: this.way.origin };
    return save(this.path(`${name}.json`), JSON.stringify({ ...file, spec: { issuer, ...spec } }));
  }

  /** An agent with a file and a state of this name, that is not started. It ends with the world. */
  async agent(name: string, spec: object, ...more: readonly string[]): Promise<AgentProgram> {
    await this.save(name, spec);
    const flags = [`--config=${this.path(`${name}.json`)}`, `--state-dir=${this.path(`${name}.state`)}`];
    return this.program(`${name}.sock`, [...flags, ...more]);
  }

  /** One with these flags. */
  program(socket: string, flags: readonly string[]): AgentProgram {
    const agent = new AgentProgram(this.path(socket), flags);
    this.#closing.push(async () => {
      if (agent.isRunning) agent.signal("SIGCONT");
      await agent.end();
    });
    return agent;
  }

  /** What the gateway says to a token. */
  verdictOn(token: string): Promise<Verdict> {
    return this.callThrough(this.gateway, { authorization: `Bearer ${token}` });
  }

  /** A call of an application that ends at the gateway. */
  async callThrough(origin: string, headers: Readonly<Record<string, string>> = {}): Promise<Verdict> {
    const answer = await fetch(`${origin}/verify`, { headers });
    await answer.arrayBuffer();
    const { status } = answer;
    return { status, tokenId: answer.headers.get("x-auth-token"), subject: answer.headers.get("x-auth-subject") };
  }

  inFile(name: string): Promise<string> {
    return readFile(this.path(`${name}.token`), "utf8");
  }

  /** A command of the program, to its end. */
  async keyturn(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [mainProgram, ...args]);
    return stdout;
  }

  /** The grants that can be renewed. */
  async liveGrants(): Promise<readonly LiveGrant[]> {
    const args = [`--dir=${this.path("keys")}`, "--state=active", "--limit=1000", "--output=json"];
    const { items } = JSON.parse(await this.keyturn("grants", "list", ...args)) as {
      readonly items: readonly { readonly clientId: string; readonly id: string; readonly renewals: number }[];
    };
    return items.map(({ clientId, id, renewals }) => ({ client: clientId, sid: id, renewals }));
  }

  async end(): Promise<void> {
    for (const close of this.#closing.toReversed()) await close();
  }
}

/** Writes the issuer's file. */
async function allow(dir: string, clients: readonly string[], accessTTL: string): Promise<void> {
  const clientOf = (id: string, more: object = {}): object =>
    clientWith({ id, secretFiles: ["secret"], allow: { audiences: ["api"], accessTTL, ...more } });
  const all = [...clients.map((id) => clientOf(id)), clientOf("gateway", { accessTTL: "60s", watchRevocations: true })];
  await save(join(dir, "issuer.json"), JSON.stringify(fileWith({ clients: all, ownAudiences: ["api"] })));
}

/** The grant that a token comes from. */
export const sidOf = (token: string): unknown => decodeJwt(token)["sid"];
export const idOf = (token: string): string => decodeJwt(token).jti ?? "";
export const lifeOf = (token: string): { readonly fromMs: number; readonly toMs: number } => {
  const { iat = 0, exp = 0 } = decodeJwt(token);
  return { fromMs: iat * 1000, toMs: exp * 1000 };
};
