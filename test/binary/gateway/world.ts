import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../../hack/free-port.ts";
import { Keyturn, save, Standalone } from "../support/keyturn.ts";
import type { LineProcess } from "../support/line-process.ts";
import { RingWatch } from "../support/ring-watch.ts";
import { answers, type ProxyName, proxyNames, startApplication, startProxy } from "./proxy.ts";

/** As short as the rules allow, without a second to spare. */
const times = { propagationSeconds: 1, maxTTLSeconds: 4 };

const configText = (interval: string): string => `apiVersion: keyturn.dev/v1alpha1
kind: JwtKeyRotation
metadata: { name: gateway-test }
spec:
  rotation: { interval: ${interval} }
  propagation: { minimum: ${times.propagationSeconds}s }
  tokens: { issuer: "https://issuer.example", audiences: [api], maxTTL: ${times.maxTTLSeconds}s, clockSkew: 0s }
  rotationWindow: ${times.maxTTLSeconds}s
`;

const ownPorts = ["gateway", "grpc", "admin", "mint"] as const;
type OwnPort = (typeof ownPorts)[number];

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Token {
  readonly token: string;
  readonly kid: string;
  readonly expiresAtMs: number;
}

/** keyturn standalone, keyturn gateway, proxies in front of an application: real programs, on one directory. */
export class World {
  readonly dir: string;
  readonly standalone: Standalone;
  readonly #keyturn: Keyturn;
  readonly #folder: string;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #closing: (() => unknown)[] = [];
  readonly ports = new Map<ProxyName | OwnPort, number>();
  /** Why a proxy is not there. */
  readonly missing = new Map<ProxyName, string>();
  /** Where the application listens. */
  application = 0;
  gateway!: LineProcess;
  watch!: RingWatch;

  private constructor(keyturn: Keyturn, folder: string) {
    this.#keyturn = keyturn;
    this.#folder = folder;
    this.dir = join(folder, "keys");
    this.standalone = new Standalone(keyturn, ["--dir", this.dir, "--config", join(folder, "rotation.yaml")]);
  }

  /** Nothing rotates by itself yet. @param proxies - Which are to be in front of the application */
  static async begin(proxies: readonly ProxyName[] = proxyNames): Promise<World> {
    const keyturn = await Keyturn.build();
    const world = new World(keyturn, await mkdtemp(join(tmpdir(), "keyturn-gateway-")));
    await world.rotateEvery("0s");
    world.standalone.start();
    world.watch = await RingWatch.over(join(world.dir, "public"), () => world.standalone.health());
    world.#closing.push(() => world.watch.close());
    await world.#startGateway();
    await world.#startProxies(proxies);
    return world;
  }

  rotateEvery(interval: string): Promise<void> {
    return save(join(this.#folder, "rotation.yaml"), configText(interval));
  }

  async #startGateway(): Promise<void> {
    for (const name of ownPorts) this.ports.set(name, await freePort());
    const local = (name: OwnPort): string => `127.0.0.1:${this.port(name)}`;
    this.gateway = this.#keyturn.start([
      ...["gateway", "--dir", this.dir, "--listen", local("gateway")],
      ...["--grpc-listen", local("grpc"), "--claim-headers", "sub=X-Auth-Subject,scope=X-Auth-Scope"],
      ...["--admin-listen", local("admin"), "--mint-listen", local("mint")],
    ]);
    // Opens when the gateway is ready
    await answers(this.port("mint"), this.gateway);
  }

  async #startProxies(proxies: readonly ProxyName[]): Promise<void> {
    const application = (this.application = await freePort());
    this.#closing.push(await startApplication(application));
    for (const name of proxies) {
      const ports = { gateway: this.port("gateway"), grpc: this.port("grpc"), proxy: await freePort(), application };
      const started = await startProxy(name, ports, join(this.#folder, name.replaceAll(" ", "-")));
      this.ports.set(name, ports.proxy);
      if ("missing" in started) this.missing.set(name, started.missing);
      else this.#closing.push(() => started.end());
    }
  }

  port(name: ProxyName | OwnPort): number {
    return this.ports.get(name) ?? 0;
  }

  /** One request; `headers` as names and values in turn, so that a name may stand twice. */
  async ask(
    of: ProxyName | OwnPort,
    path: string,
    { headers = [], body }: { headers?: readonly string[]; body?: string } = {},
  ): Promise<Answer> {
    const all = ["host", "127.0.0.1", ...headers];
    const options = { port: this.port(of), path, agent: this.#agent, method: body === undefined ? "GET" : "POST" };
    return new Promise((resolve, reject) => {
      const sent = request({ ...options, host: "127.0.0.1", headers: all }, (response) => {
        text(response).then((all) => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: all });
        }, reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** A token of the gateway's signer. */
  async mint(claims: object = {}): Promise<Token> {
    const body = JSON.stringify({ sub: "alice", ...claims });
    const headers = ["content-type", "application/json", "content-length", String(Buffer.byteLength(body))];
    const answer = await this.ask("mint", "/token", { headers, body });
    if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.body}`);
    const { token, kid, expiresAt } = JSON.parse(answer.body) as Record<string, string>;
    return { token: token ?? "", kid: kid ?? "", expiresAtMs: Date.parse(expiresAt ?? "") };
  }

  /** Requests of the metric that a test looks at: `reason` → count. */
  async refusals(): Promise<Readonly<Record<string, number>>> {
    const { body } = await this.ask("admin", "/metrics");
    const rows = body.matchAll(/^keyturn_gateway_verifications_total\{.*reason="(\w+)"\} (\d+)$/gm);
    return Object.fromEntries([...rows].map(([, reason = "", count]) => [reason, Number(count)]));
  }

  async command(...args: readonly string[]): Promise<void> {
    await this.#keyturn.run([...args, "--dir", this.dir]);
  }

  async end(): Promise<void> {
    if (this.gateway.isRunning) await this.gateway.end();
    await this.standalone.stop();
    this.#agent.destroy();
    for (const close of this.#closing.toReversed()) await close();
    await rm(this.#folder, { recursive: true, force: true });
    await this.#keyturn.remove();
  }
}

/** Waits between two looks at something that tells nobody when it changes. */
export const aMoment = (): Promise<void> => pause(20);
