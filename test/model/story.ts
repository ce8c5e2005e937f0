import { refusalIn } from "./invariants/states.ts";
import { initialWorld } from "./world/initial.ts";
import { movesFrom, settled } from "./world/moves.ts";
import type { Scenario } from "./world/scenario.ts";
import { msAt, type World } from "./world/world.ts";

/** A history, a line each, from the start of the scenario to the breach. */
export function tell(scenario: Scenario, moves: readonly number[], breach: string): readonly string[] {
  let world = initialWorld(scenario);
  const lines: string[] = [`${clock(world.tick)} ${opening(world)}`];
  for (const index of moves) {
    const move = movesFrom(world, scenario)[index];
    if (!move) throw new RangeError("Cannot tell the story: it has a move that is not possible");
    world = settled(move.to, scenario);
    lines.push(`${clock(world.tick)} ${move.say()}`);
  }
  const refusal = refusalIn(world);
  const { token } = refusal ?? {};
  lines.push(
    refusal && token
      ? `${clock(world.tick)} a client presents the token that ${token.by} minted at ${clock(token.mintedTick)} with ${token.kid}: refused by ${refusal.by}: ${refusal.because}`
      : `${clock(world.tick)} ${breach}`,
  );
  return lines;
}

const clock = (tick: number): string => new Date(msAt(tick)).toISOString().slice(11, 16);

function opening({ objects, gateways }: World): string {
  const keys = objects.ring?.ring;
  if (!keys) return "there is no ring yet";
  const names = gateways.filter((g) => g.phase === "ready").map((g) => g.name);
  return `${keys.signer.kid} signs, ${keys.standby?.kid ?? "nothing"} stands by; ready: ${names.join(", ") || "nobody"}`;
}
