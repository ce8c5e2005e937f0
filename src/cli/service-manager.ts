import { errnoOf } from "../errors/errno-words.ts";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { StandaloneOptions } from "../standalone/run-standalone.ts";
import type { Cancel, Clock } from "../time/clock.ts";

export interface ServiceManagerParts extends Pick<StandaloneOptions, "log"> {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of this process: a watchdog that is meant for another is none of ours. */
  readonly pid: number;
  readonly clock: Pick<Clock, "after">;
  /** Tells it, and resolves when it has heard. @default by the program systemd-notify */
  readonly send?: (assignments: readonly string[]) => Promise<void>;
}

/** Whoever started this process and wants to hear how it is: systemd, by sd_notify(3). */
export class ServiceManager {
  readonly #parts: ServiceManagerParts;
  readonly #send: (assignments: readonly string[]) => Promise<void>;
  #told: Promise<void> = Promise.resolve();
  #status = "";
  #isReady = false;
  #isDeaf = false;
  #endWatch: Cancel = () => undefined;

  constructor(parts: ServiceManagerParts) {
    this.#parts = parts;
    this.#send = parts.send ?? systemdNotify(parts.env);
  }

  /** It can be used, and how it is; told anew when that has changed. The watchdog is kept from now on. */
  ready(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    const isFirst = !this.#isReady;
    this.#isReady = true;
    this.#tell([...(isFirst ? ["READY=1"] : []), `STATUS=${status}`]);
    if (isFirst) this.#watch();
  }

  /** It is about to end. */
  stopping(): void {
    this.#endWatch();
    this.#tell(["STOPPING=1"]);
  }

  /** Resolves when all that was told was heard. */
  heard(): Promise<void> {
    return this.#told;
  }

  /** One after the other: what was said last counts. */
  #tell(assignments: readonly string[]): void {
    this.#told = this.#told.then(() => this.#send(assignments)).catch((error: unknown) => this.#unheard(error));
  }

  #unheard(error: unknown): void {
    if (this.#isDeaf) return;
    this.#isDeaf = true;
    const isMissing = errnoOf(error) === "ENOENT";
    const why = isMissing ? "the program systemd-notify is missing" : "systemd-notify failed";
    this.#parts.log.error(
      {},
      `systemd can't be told how this is: ${why}. A unit without it has Type=exec and no WatchdogSec`,
    );
  }

  /** Twice as often as it asks for, as sd_watchdog_enabled(3) says. */
  #watch(): void {
    const { env, pid, clock } = this.#parts;
    const everyMs = Number(env["WATCHDOG_USEC"] ?? NaN) / 2000;
    if (!(everyMs > 0) || Number(env["WATCHDOG_PID"] ?? pid) !== pid) return;
    const again = (): void => {
      this.#tell(["WATCHDOG=1"]);
      this.#endWatch = clock.after(everyMs, again);
    };
    again();
  }
}

/** Present where somebody wants to hear. */
export const serviceManagerOf = (parts: ServiceManagerParts): ServiceManager | undefined =>
  (parts.env["NOTIFY_SOCKET"] ?? "") === "" ? undefined : new ServiceManager(parts);

/** More than a machine under load needs, in milliseconds. */
const withinMs = 10_000;

/**
 * Node.js has no datagram sockets of Unix, and each library that has them compiles C when it is installed. The program is there
 * wherever systemd is, and knows sockets of every kind.
 */
function systemdNotify(env: ServiceManagerParts["env"]): (assignments: readonly string[]) => Promise<void> {
  const run = promisify(execFile);
  return async (assignments) => {
    await run("systemd-notify", [...assignments], { env, timeout: withinMs });
  };
}
