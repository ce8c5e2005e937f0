import type { RingHome } from "../keeper/home.ts";
import type { ManyRotations } from "../tools/status/overview.ts";
import type { Io } from "../tools/text/screen.ts";
import type { ClusterFlags } from "./cluster-access.ts";

/** Which rotation a tool works on: one in a directory, or one on a cluster. */
export interface HomeFlags extends ClusterFlags {
  readonly dir?: string;
  /** @default the context's, or the pod's */
  readonly namespace?: string;
  /** Its name. @default the only one of the namespace */
  readonly rotation?: string;
  readonly allNamespaces?: boolean;
  /** Of labels: several, as with {@link allNamespaces}. */
  readonly selector?: string;
  /** Of one request to the API server, in milliseconds; 0: any time. */
  readonly requestTimeout?: number;
}

/** What `status` shows: one rotation, or several. */
export type Shown = { readonly home: RingHome } | { readonly several: ManyRotations };

/** What a command is built with: its surroundings, and where it says how it ended. */
export interface Cli extends Surroundings {
  /** @param code - One of ours, or of a command that was run */
  ended(code: number): void;
}

/** What the commands need of the process; `main.ts` makes it, and nothing else knows where it comes from. */
export interface Surroundings {
  readonly io: Io;
  /** What the program was called by: `keyturn`, `kubectl keyturn`. */
  readonly name: string;
  readonly version: string;
  /** What it was built from; absent where it runs from source, or from the npm package. */
  readonly commit?: string;
  readonly platform: { readonly node: string; readonly system: string };
  /** A person watches the log. */
  readonly logIsLive: boolean;
  openHome(flags: HomeFlags): Promise<RingHome>;
  openShown(flags: HomeFlags): Promise<Shown>;
  readFile(path: string): Promise<string>;
  /** The whole of standard input. */
  readInput(): Promise<string>;
  /** The same, or on a terminal what somebody types unseen. */
  readSecret(): Promise<string>;
  /** Milliseconds that nobody can set. */
  monotonicMs(): number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In a cluster the pod's name. */
  readonly hostname: string;
  /** From 0 up to 1. */
  chance(): number;
  /** Calls it on SIGHUP, instead of ending as on SIGTERM; where a terminal was the screen, it is gone, and it ends all the same. */
  rereadOn(reread: () => void): void;
  /** From now on signals go there, and end nothing here; but not those that a terminal gives to every process in front of it. Returns what ends that. */
  relaySignals(take: (signal: NodeJS.Signals) => void): () => void;
}
