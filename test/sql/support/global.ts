import type { TestProject } from "vitest/node";
import { startPostgres } from "../../../hack/postgres.ts";
import { mustHaveFoundNothing, watchPrograms } from "../../support/secrecy/watch-programs.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where its administrator makes databases; empty outside of this suite. */
    readonly postgres: string;
  }
}

/** One server for all files, each of which makes databases of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Of this process, which is none of a test: the server's log, and all rows that it has at the end
  watchPrograms();
  const server = await startPostgres({ settings: { max_connections: "200" } });
  project.provide("postgres", server.url());
  return async () => {
    await server.remove();
    mustHaveFoundNothing();
  };
}
