import type { RefreshToken } from "../../../src/grants/refresh-token.ts";
import { answered } from "./judge.ts";
import { nameOf } from "./ledger.ts";
import { type Process, type Scenario, tickMs, windowMs, type World } from "./world.ts";

interface Move {
  readonly name: string;
  readonly to: World;
}

/** Everything that may happen next. */
export function movesFrom(world: World, scenario: Scenario): readonly Move[] {
  if (world.breach !== undefined) return [];
  return [
    ...world.processes.flatMap((_, n) => movesOf(world, scenario, n)),
    ...(world.left.ticks > 0 && mayPass(world, scenario) ? [tick(world)] : []),
    ...thefts(world, scenario),
    ...(world.left.revocations > 0 && !world.grant.revoked ? [revoke(world)] : []),
    ...backups(world),
  ];
}

function movesOf(world: World, scenario: Scenario, n: number): readonly Move[] {
  const process = world.processes[n] ?? { kind: "idle" };
  const who = `process ${n + 1}`;
  const set = (next: Process, more: Partial<World> = {}): World => ({
    ...world,
    ...more,
    processes: world.processes.with(n, next),
  });
  switch (process.kind) {
    case "idle":
      return [{ name: `${who} asks with ${shown(world.file)}`, to: set({ kind: "asking", shown: world.file }) }];
    case "asking": {
      if (world.left.renewals === 0) return [];
      const { to, answer } = answered(world, scenario, { shown: process.shown, by: "owner" });
      const next: Process = "successor" in answer ? { kind: "answered", got: answer.successor } : { kind: "idle" };
      return [{ name: `the issuer to ${who}: ${answer.kind}`, to: { ...to, processes: to.processes.with(n, next) } }];
    }
    case "answered": {
      const isNewer = process.got.generation > world.file.generation;
      const kept = { name: `${who} keeps the answer`, to: set({ kind: "idle" }, isNewer ? { file: process.got } : {}) };
      if (world.left.losses === 0) return [kept];
      const left = { ...world.left, losses: world.left.losses - 1 };
      return [kept, { name: `${who}'s answer is lost`, to: set({ kind: "idle" }, { left }) }];
    }
    default:
      return process satisfies never;
  }
}

/** An owner in time asks again before the window of what he holds has passed. */
function mayPass(world: World, { isTimely }: Scenario): boolean {
  if (isTimely !== true) return true;
  const held = [world.file, ...world.processes.flatMap((p) => (p.kind === "asking" ? [p.shown] : []))];
  return held.every((token) => {
    const { replacedAtMs } = world.ledger.entries.get(nameOf(token)) ?? {};
    return replacedAtMs === undefined || world.nowMs + tickMs - replacedAtMs < windowMs;
  });
}

const tick = (world: World): Move => ({
  name: "time passes",
  to: { ...world, nowMs: world.nowMs + tickMs, left: { ...world.left, ticks: world.left.ticks - 1 } },
});

function thefts(world: World, scenario: Scenario): readonly Move[] {
  const left = { ...world.left, thefts: world.left.thefts - 1 };
  const steal =
    world.left.thefts > 0 ? [{ name: "a thief copies the state", to: { ...world, left, stolen: [world.file] } }] : [];
  if (world.left.renewals === 0) return steal;
  const tries = world.stolen.map((token): Move => {
    const { to, answer } = answered(world, scenario, { shown: token, by: "thief" });
    const got = "successor" in answer ? [answer.successor] : [];
    const stolen = [...new Map([...to.stolen, ...got].map((one) => [nameOf(one), one])).values()];
    return { name: `the issuer to the thief with ${shown(token)}: ${answer.kind}`, to: { ...to, stolen } };
  });
  return [...steal, ...tries];
}

const revoke = (world: World): Move => ({
  name: "somebody revokes the grant",
  to: {
    ...world,
    grant: { ...world.grant, revoked: { atMs: world.nowMs, reason: "revoked" } },
    left: { ...world.left, revocations: world.left.revocations - 1 },
  },
});

function backups(world: World): readonly Move[] {
  const { backup, grant, ledger, left } = world;
  if (left.restores === 0) return [];
  if (!backup) return [{ name: "a backup is made", to: { ...world, backup: { grant, ledger } } }];
  const restored = { ...world, ...backup, isRestored: true, left: { ...left, restores: left.restores - 1 } };
  return [{ name: "the backup is put back", to: restored }];
}

const shown = ({ generation }: RefreshToken): string => `generation ${generation}`;
