import { join } from "node:path";
import { freePort } from "../../../hack/free-port.ts";
import type { Served } from "../judge/copy.ts";
import { Asker, type Reply } from "./ask.ts";
import { Child } from "./child.ts";

export interface GatewayOptions {
  /** Of a pod its own; in a directory its instance. */
  readonly name: string;
  /** What starts a Keyturn. */
  readonly keyturn: readonly [string, ...string[]];
  /** Where its ring comes from. */
  readonly source: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** `keyturn gateway`, which is killed, stopped and started again under the same name, on the same ports. */
export class Gateway {
  readonly name: string;
  starts = 0;
  /** False while no traffic is sent to it. */
  isRouted = false;
  readonly #options: GatewayOptions;
  readonly #ports: Readonly<Record<"listen" | "admin" | "mint", number>>;
  readonly #front: Asker;
  readonly #admin: Asker;
  readonly #mint: Asker;
  #child: Child | undefined;

  private constructor(options: GatewayOptions, ports: Gateway["ports"]) {
    this.#options = options;
    this.name = options.name;
    this.#ports = ports;
    [this.#front, this.#admin, this.#mint] = [new Asker(ports.listen), new Asker(ports.admin), new Asker(ports.mint)];
  }

  static async make(options: GatewayOptions): Promise<Gateway> {
    const ports = { listen: await freePort(), admin: await freePort(), mint: await freePort() };
    return new Gateway(options, ports);
  }

  get ports(): Readonly<Record<"listen" | "admin" | "mint", number>> {
    return this.#ports;
  }

  start(): void {
    const { keyturn, source, folder, env, name } = this.#options;
    const local = (port: number): string => `127.0.0.1:${port}`;
    const { listen, admin, mint } = this.#ports;
    const faces = ["--listen", local(listen), "--admin-listen", local(admin), "--mint-listen", local(mint)];
    const [program, ...first] = keyturn;
    this.#child = new Child([program, ...first, "gateway", ...source, ...faces, "--drain-timeout", "2s"], {
      logFile: join(folder, `${name}.log`),
      env,
    });
    this.starts += 1;
  }

  get child(): Child | undefined {
    return this.#child;
  }

  get isRunning(): boolean {
    return this.#child?.isRunning === true;
  }

  async isReady(): Promise<boolean> {
    return (await this.#admin.ask({ path: "/readyz" }))?.status === 200;
  }

  /** Asks for a token. */
  mint(): Promise<Reply | undefined> {
    return this.#mint.ask({ path: "/token", json: { sub: this.name } });
  }

  /** 200: good; 401: refused; undefined: no answer. */
  async verify(token: string): Promise<number | undefined> {
    return (await this.#front.ask({ path: "/verify", authorization: `Bearer ${token}` }))?.status;
  }

  async jwks(): Promise<Served | undefined> {
    const reply = await this.#front.ask({ path: "/.well-known/jwks.json" });
    return reply?.status === 200 ? { ...reply, from: this.name } : undefined;
  }

  /** Why tokens were refused, by the metric. */
  async reasons(): Promise<string> {
    const reply = await this.#admin.ask({ path: "/metrics" });
    const rows = (reply?.body ?? "").matchAll(/^keyturn_gateway_verifications_total\{.*reason="(\w+)"\} (\d+)$/gm);
    return [...rows]
      .filter(([, , count]) => count !== "0")
      .map(([, reason = "", count = ""]) => `${reason} ${count}`)
      .join(", ");
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.isRouted = false;
    await this.#child?.end(signal);
  }

  close(): void {
    for (const asker of [this.#front, this.#admin, this.#mint]) asker.close();
  }
}
