import { run } from "../../src/cli/run.ts";
import type { HomeFlags, Surroundings } from "../../src/cli/surroundings.ts";
import { FakeIo, type FakeIoOptions } from "../tools/support/fake-io.ts";
import { StoryHome } from "../tools/support/story-home.ts";

/** A command line with its surroundings in memory. Environment variables are the process's: `vi.stubEnv`. */
export class FakeCli {
  readonly home: StoryHome;
  readonly io: FakeIo;
  /** Which rotations were asked for. */
  readonly opened: HomeFlags[] = [];
  readonly files = new Map<string, string>();
  input = "";
  name = "keyturn";

  constructor(home: StoryHome = StoryHome.settled(), options: FakeIoOptions = {}) {
    this.home = home;
    this.io = new FakeIo({ home, ...options });
  }

  /** The exit code. */
  async run(...args: readonly string[]): Promise<number> {
    return run(args, this.surroundings(), process.env);
  }

  surroundings(): Surroundings {
    return {
      io: this.io,
      name: this.name,
      version: "1.2.3",
      platform: { node: "v24.0.0", system: "linux/x64" },
      logIsLive: false,
      openHome: async (flags) => {
        this.opened.push(flags);
        return this.home;
      },
      openShown: async (flags) => {
        this.opened.push(flags);
        return { home: this.home };
      },
      readFile: async (path) => this.files.get(path) ?? "",
      readInput: async () => this.input,
      readSecret: async () => this.input,
      monotonicMs: () => this.home.nowMs,
      env: {},
      hostname: "host",
      chance: () => 0.5,
      rereadOn: () => undefined,
      relaySignals: () => () => undefined,
    };
  }
}
