import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterWorld } from "./cluster.ts";
import { healthyWithinMs } from "./settings.ts";
import { namespace, rotation } from "./site.ts";
import { until } from "./until.ts";

/** The runbook "A backup was restored", as a person follows it: with the JWKS that a gateway still serves. */
export async function recoverIfStalled(world: ClusterWorld): Promise<void> {
  const stalledOrHealthy = async (): Promise<string | undefined> =>
    (await stalledBy(world)) === undefined ? world.ails() : undefined;
  await until(stalledOrHealthy, healthyWithinMs);
  const reason = await stalledBy(world);
  if (reason === undefined) return;
  world.diary.note(`Stalled, ${reason}: keyturn recover`);
  const served = await firstJwks(world);
  const file = join(world.site.folder, "saved-jwks.json");
  if (served !== undefined) await writeFile(file, served);
  const flags = served === undefined ? [] : ["--jwks", file];
  world.ledger.recovering();
  const { code, output } = await world.tool(
    "recover",
    rotation,
    "-n",
    namespace,
    ...flags,
    "--wait",
    "--timeout",
    "4m",
  );
  world.diary.note(`keyturn recover ended with ${code}`);
  if (code !== 0) world.ledger.wrong("not healthy again", `keyturn recover ended with ${code}: ${output}`);
}

async function stalledBy(world: ClusterWorld): Promise<string | undefined> {
  const { status } = await world.status();
  return status.conditions?.find(({ type, status: is }) => type === "Stalled" && is === "True")?.reason;
}

/** The newest that anybody serves would be better still; any gateway holds what it served last. */
async function firstJwks(world: ClusterWorld): Promise<string | undefined> {
  for (const { gateway } of world.pods) {
    const served = await gateway.jwks();
    if (served !== undefined) return served.body;
  }
  return undefined;
}
