import type { RingHome } from "../tools/home.ts";
import type { ExitCode } from "../tools/exit.ts";
import type { Io } from "../tools/screen.ts";

/** Which rotation a tool works on. */
export interface HomeFlags {
  readonly dir?: string;
}

/** What a command is built with: its surroundings, and where it says how it ended. */
export interface Cli extends Surroundings {
  ended(code: ExitCode): void;
}

/** What the commands need of the process; `main.ts` makes it, and nothing else knows where it comes from. */
export interface Surroundings {
  readonly io: Io;
  readonly version: string;
  readonly platform: { readonly node: string; readonly system: string };
  /** A person watches the log. */
  readonly logIsLive: boolean;
  openHome(flags: HomeFlags): Promise<RingHome>;
  readFile(path: string): Promise<string>;
  /** The whole of standard input. */
  readInput(): Promise<string>;
  /** Milliseconds that nobody can set. */
  monotonicMs(): number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In a cluster the pod's name. */
  readonly hostname: string;
  /** From 0 up to 1. */
  chance(): number;
}
