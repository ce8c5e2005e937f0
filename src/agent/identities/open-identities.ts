import { Identities } from "./identities.ts";
import type { IdentitiesOptions, OpenIdentities } from "./identities-options.ts";
import { openStateDir, stateInMemory } from "./state-dir.ts";

/**
 * Begins every identity of the file, and those that were registered.
 *
 * @throws KeyturnError where one of the file has no token, unless it may start without; or where another agent has the directory
 */
export async function openIdentities(options: IdentitiesOptions): Promise<OpenIdentities> {
  const { stateDir, clock, chance, log } = options;
  const state = stateDir === undefined ? stateInMemory() : await openStateDir(stateDir, { clock, chance, log });
  const identities = new Identities(state, options);
  try {
    await identities.begin();
  } catch (error) {
    await identities.close();
    throw error;
  }
  return identities;
}
