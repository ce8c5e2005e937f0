import type { TestProject } from "vitest/node";
import { startPostgres } from "../../../hack/postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where its administrator makes databases; empty outside of this suite. */
    readonly postgres: string;
  }
}

/** One server for all files, each of which makes databases of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ settings: { max_connections: "200" } });
  project.provide("postgres", server.url());
  return () => server.remove();
}
