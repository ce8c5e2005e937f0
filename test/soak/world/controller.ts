import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { stringify } from "yaml";
import { kubeConfigOf } from "../../../hack/testcluster/connection.ts";
import { freePort } from "../../../hack/free-port.ts";
import { Asker } from "../programs/ask.ts";
import { Child } from "../programs/child.ts";
import { FakeClock } from "../programs/faketime.ts";
import { Wire } from "../programs/wire.ts";
import { controllerAccount, controllerNamespace, namespace, type Site } from "./site.ts";

const beatMs = 500;

/** `keyturn controller`, one of two; started again when it ends. */
export class Controller {
  readonly name: string;
  readonly wire: Wire;
  readonly clock: FakeClock | undefined;
  isHeld = false;
  child: Child | undefined;
  readonly #command: readonly [string, ...string[]];
  readonly #logFile: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #admin: Asker;
  #isGone = false;

  private constructor(site: Site, name: string, parts: { wire: Wire; clock: FakeClock | undefined; admin: number }) {
    this.name = name;
    this.wire = parts.wire;
    this.clock = parts.clock;
    this.#admin = new Asker(parts.admin);
    const lease = ["--leader-elect", "--lease-namespace", controllerNamespace];
    const reach = ["--kubeconfig", join(site.folder, `${name}.kubeconfig`), "--namespace", namespace];
    this.#command = [...site.podded, "controller", ...lease, ...reach, "--admin-listen", `127.0.0.1:${parts.admin}`];
    this.#logFile = join(site.logs, `${name}.log`);
    this.#env = { SOAK_HOSTNAME: name, ...parts.clock?.env };
  }

  static async make(site: Site, name: string): Promise<Controller> {
    const wire = await Wire.to(site.port);
    const token = await site.tokenFor({ namespace: controllerNamespace, account: controllerAccount });
    const connection = { server: `https://127.0.0.1:${wire.port}`, ca: site.ca, token };
    const file = join(site.folder, `${name}.kubeconfig`);
    await writeFile(file, stringify(kubeConfigOf(connection)), { mode: 0o600 });
    const clock =
      site.library === undefined ? undefined : await FakeClock.at(site.library, join(site.folder, `${name}.clock`));
    const controller = new Controller(site, name, { wire, clock, admin: await freePort() });
    void controller.#supervise();
    return controller;
  }

  get isRunning(): boolean {
    return this.child?.isRunning === true;
  }

  async isReady(): Promise<boolean> {
    return (await this.#admin.ask({ path: "/readyz" }))?.status === 200;
  }

  async #supervise(): Promise<void> {
    while (!this.#isGone) {
      if (!this.isRunning && !this.isHeld)
        this.child = new Child(this.#command, { logFile: this.#logFile, env: this.#env });
      await after(beatMs);
    }
  }

  async end(): Promise<void> {
    this.#isGone = true;
    this.child?.signal("SIGCONT");
    await this.child?.end("SIGTERM");
    this.wire.close();
    this.#admin.close();
  }
}
