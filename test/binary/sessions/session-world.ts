import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../../hack/free-port.ts";
import type { SessionClient, Transport } from "../../sessions/faces/support/clients.ts";
import { Application } from "../../sessions/hub/support/scene.ts";
import { answers } from "../gateway/proxy.ts";
import { bundled } from "../support/bundled.ts";
import { LineProcess } from "../support/line-process.ts";

const ports = ["front", "admin", "mint", "webSocket", "grpc"] as const;
type PortName = (typeof ports)[number];

export interface Minted {
  readonly token: string;
  readonly kid: string;
  readonly expiresAtMs: number;
}

/** One beside the gateway of a world. */
interface OtherGateway {
  readonly hubPath: string;
  portOf(transport: Pick<Transport, "name">): number;
  metrics(): Promise<string>;
}

/** The program of the image, twice: it keeps the keys of a directory, and serves sessions beside an application. */
export class SessionWorld {
  readonly dir: string;
  readonly #folder: string;
  readonly #ports: Readonly<Record<PortName, number>>;
  readonly #standalone: LineProcess;
  readonly #flags: readonly string[];
  readonly #others: LineProcess[] = [];
  gateway!: LineProcess;
  /** Every token that was ever made. */
  readonly tokens: string[] = [];

  private constructor(folder: string, free: Readonly<Record<PortName, number>>, flags: readonly string[]) {
    this.#folder = folder;
    this.#flags = flags;
    this.dir = join(folder, "keys");
    this.#ports = free;
    const rotation = ["--issuer=https://issuer.example", "--audience=api", "--interval=0s"];
    this.#standalone = this.#start([
      ...["standalone", "--dir", this.dir, ...rotation],
      ...["--propagation-minimum=1s", "--max-ttl=2m", "--clock-skew=0s", "--rotation-window=2m"],
    ]);
  }

  /** @param flags - More of the gateway's, or others in their place */
  static async begin(...flags: readonly string[]): Promise<SessionWorld> {
    const [front, admin, mint, webSocket, grpc] = await Promise.all(ports.map(() => freePort()));
    const free = { front: front ?? 0, admin: admin ?? 0, mint: mint ?? 0, webSocket: webSocket ?? 0, grpc: grpc ?? 0 };
    const world = new SessionWorld(await bundled(), free, flags);
    await world.startGateway();
    return world;
  }

  /** On the same addresses each time. Resolves when it is ready. */
  async startGateway(): Promise<void> {
    const at = (name: PortName): string => `127.0.0.1:${this.#ports[name]}`;
    this.gateway = this.#start([
      ...["gateway", "--dir", this.dir, "--listen", at("front"), "--admin-listen", at("admin")],
      ...["--mint-listen", at("mint"), "--session-listen", at("webSocket"), "--session-grpc-listen", at("grpc")],
      ...["--hub-listen", `unix:${this.hubPath}`, "--session-grace", "1s", "--drain-timeout", "2s"],
      ...["--log-level", "debug", ...this.#flags],
    ]);
    await answers(this.#ports.mint, this.gateway);
  }

  get hubPath(): string {
    return join(this.#folder, "hub.sock");
  }

  /** Another gateway of the same keys, which has an application's socket of its own. Resolves when it is ready. */
  async beside(...flags: readonly string[]): Promise<OtherGateway> {
    const [front, admin, mint, webSocket, grpc] = await Promise.all(ports.map(() => freePort()));
    const hubPath = join(this.#folder, "other-hub.sock");
    const process = this.#start([
      ...["gateway", "--dir", this.dir, "--listen", `127.0.0.1:${front}`, "--admin-listen", `127.0.0.1:${admin}`],
      ...["--mint-listen", `127.0.0.1:${mint}`, "--hub-listen", `unix:${hubPath}`],
      ...["--session-listen", `127.0.0.1:${webSocket}`, "--session-grpc-listen", `127.0.0.1:${grpc}`, ...flags],
    ]);
    this.#others.push(process);
    await answers(mint ?? 0, process);
    return {
      hubPath,
      portOf: ({ name }) => (name === "gRPC" ? grpc : webSocket) ?? 0,
      metrics: async () => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text(),
    };
  }

  /** An application that takes all that it hears. */
  application(hubPath = this.hubPath): Application {
    const application = new Application(hubPath);
    application.stream.on("data", ({ delivery }: { delivery?: { peer: object; lineage: string; seq: number } }) => {
      if (delivery) application.say({ taken: { peer: delivery.peer, lineage: delivery.lineage, seq: delivery.seq } });
    });
    return application;
  }

  /** By the gateway's signer, as the application would. */
  async mint(subject: string, ttlSeconds = 60): Promise<Minted> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.mint}/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sub: subject, ttlSeconds }),
    });
    const { token = "", kid = "", expiresAt = "" } = (await answer.json()) as Partial<Record<string, string>>;
    if (token === "") throw new Error(`there is no token: ${answer.status}`);
    this.tokens.push(token);
    return { token, kid, expiresAtMs: Date.parse(expiresAt) };
  }

  connect(transport: Transport, token: string): SessionClient {
    return transport.open(this.portOf(transport), token);
  }

  /** A session that is open, and its terms. */
  async open(transport: Transport, token: string, resume?: { readonly sessionId: string; readonly received: number }) {
    const client = this.connect(transport, token);
    client.say({ hello: { instanceId: "one", ...(resume && { resume }) } });
    const { accepted: terms = {} } = await client.next("accepted");
    return { client, terms, id: String(terms["sessionId"]) };
  }

  renew(transport: Transport, sessionId: string, token: string): ReturnType<Transport["renew"]> {
    return transport.renew(this.portOf(transport), sessionId, token);
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#ports.admin}/metrics`)).text();
  }

  /** Runs a command on the directory to its end. */
  async command(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await this.#start([...args, "--dir", this.dir]).ended;
    if (code !== 0) throw new Error(`keyturn ${args.join(" ")}: exit code ${String(code)}\n${stderr}`);
  }

  /** Resolves when it holds; nobody says when. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) {
      if (!this.gateway.isRunning) throw new Error(`the gateway has ended:\n${this.gateway.output.stderr}`);
      await pause(20);
    }
  }

  portOf({ name }: Pick<Transport, "name">): number {
    return this.#ports[name === "gRPC" ? "grpc" : "webSocket"];
  }

  async end(): Promise<void> {
    await Promise.all([this.gateway, this.#standalone, ...this.#others].map((process) => process.end()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #start(args: readonly string[]): LineProcess {
    return new LineProcess(process.execPath, [join(this.#folder, "app/keyturn.cjs"), ...args]);
  }
}
