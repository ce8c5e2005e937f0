import { newIdentity, type IdentityEvent, type RenewalReason } from "../../../src/identity/machine/identity-state.ts";
import { wakeAtMs } from "../../../src/identity/machine/wants.ts";
import { omit } from "../../model/world/omit.ts";
import { issuerAnswers } from "./issuer.ts";
import { mayPass, nextLookMs, runningOf } from "./judge.ts";
import { happened, ownNowMs, type Running, type Scenario, tickMs, type World } from "./world.ts";

interface Move {
  readonly name: string;
  readonly to: World;
}

type Left = World["left"];

/** Everything that may happen next. */
export function movesFrom(world: World, scenario: Scenario): readonly Move[] {
  if (world.breach !== undefined) return [];
  return [
    ...world.processes.flatMap((process, n) =>
      process.kind === "down" ? [boot(world, n, scenario)] : ofRunning(world, n, [process, scenario]),
    ),
    ...world.orphans.flatMap((showing, at) => {
      const orphans = world.orphans.toSpliced(at, 1);
      const [to] = issuerAnswers(world, scenario, showing);
      return [
        { name: "a request of the dead arrives", to: { ...to, orphans } },
        { name: "a request of the dead is lost", to: { ...world, orphans } },
      ];
    }),
    ...tick(world, scenario),
    ...troubles(world),
  ];
}

const spend = (world: World, what: keyof Left): World => ({
  ...world,
  left: { ...world.left, [what]: world.left[what] - 1 },
});

function boot(world: World, n: number, scenario: Scenario): Move {
  const up: Running = { kind: "up", state: newIdentity(scenario.keep ?? "always"), effects: [] };
  const { disk } = world;
  const to = { ...world, processes: world.processes.with(n, up) };
  return {
    name: `process ${n + 1} starts`,
    to: happened(to, n, [{ kind: "started", ...(disk && { stored: disk }) }, scenario]),
  };
}

type Asked = readonly [process: Running, scenario: Scenario];

function ofRunning(world: World, n: number, [process, scenario]: Asked): readonly Move[] {
  return [
    ...effectMoves(world, n, [process, scenario]),
    ...wishes(world, n, [process, scenario]),
    ...(world.left.crashes > 0 ? [crash(world, n, process)] : []),
  ];
}

function crash(world: World, n: number, { effects: [effect], answer }: Running): Move {
  const { lockedBy, ...unlocked } = spend(world, "crashes");
  // Of a first credential that arrives late nothing hangs but a grant that nobody has
  const isInFlight = effect?.kind === "ask" && effect.showing.kind === "refresh" && answer === undefined;
  return {
    name: `process ${n + 1} is killed`,
    to: {
      ...unlocked,
      ...(lockedBy !== undefined && lockedBy !== n && { lockedBy }),
      orphans: isInFlight ? [...world.orphans, effect.showing] : world.orphans,
      processes: world.processes.with(n, { kind: "down" }),
    },
  };
}

const proxyIsBroken = { kind: "away", code: "Status502", message: "", mayBeDone: true, retryAfterMs: 120_000 } as const;

function effectMoves(world: World, n: number, [process, scenario]: Asked): readonly Move[] {
  const [effect] = process.effects;
  const who = `process ${n + 1}`;
  const hears = (name: string, event: IdentityEvent, to = world): Move => ({
    name,
    to: happened(to, n, [event, scenario]),
  });
  const set = (name: string, next: Running, to = world): Move => ({
    name,
    to: { ...to, processes: to.processes.with(n, next) },
  });
  const isLossy = world.left.losses > 0;
  switch (effect?.kind) {
    case undefined:
    case "unlock":
      return [];
    case "lock": {
      const { disk, lockedBy = n } = world;
      if (lockedBy !== n && scenario.isLockless !== true) return [];
      return [
        hears(`${who} has the lock`, { kind: "locked", ...(disk && { stored: disk }) }, { ...world, lockedBy: n }),
      ];
    }
    case "ask": {
      const { answer } = process;
      const lost = isLossy
        ? [
            hears(
              `${who} is told by a proxy that it is broken`,
              { kind: "failed", failure: proxyIsBroken },
              spend(world, "losses"),
            ),
          ]
        : [];
      if (answer === undefined) {
        const [to, given] = issuerAnswers(world, scenario, effect.showing);
        return [set(`the issuer to ${who}: ${given.kind}`, { ...process, answer: given }, to), ...lost];
      }
      if (answer.kind === "issued")
        return [hears(`${who} is answered`, { kind: "answered", issued: answer.issued }), ...lost];
      const isDenied = effect.showing.kind === "first";
      const isDead = effect.showing.kind === "refresh" && answer.kind === "denied" && answer.isTokenDead;
      const to = {
        ...world,
        dead: isDead ? [...world.dead, effect.showing.token] : world.dead,
        processes: world.processes.with(n, { ...process, ...(isDenied && { isDenied: true as const }) }),
      };
      return [hears(`${who} is told no`, { kind: "failed", failure: answer }, to), ...lost];
    }
    case "save": {
      if (process.isWritten) return [hears(`${who} knows that it is written`, { kind: "saved" })];
      const written = set(`${who} writes`, { ...process, isWritten: true }, { ...world, disk: effect.pair });
      if (world.left.refusedWrites === 0) return [written];
      const problem = { code: "StorageUnavailable", message: "" };
      return [written, hears(`${who}'s disk is full`, { kind: "notSaved", problem }, spend(world, "refusedWrites"))];
    }
    case "remove": {
      const empty = omit(world, "disk");
      return [hears(`${who} removes its state`, { kind: "removed" }, empty)];
    }
    default:
      return effect satisfies never;
  }
}

/** What is wanted of a process, and what its clock says. */
function wishes(world: World, n: number, [process, scenario]: Asked): readonly Move[] {
  const { left } = world;
  const { state } = process;
  if (state.phase.kind === "closed") return [];
  const who = `process ${n + 1}`;
  const afresh: World = { ...world, processes: world.processes.with(n, omit(process, "isDenied")) };
  const hears = (name: string, event: IdentityEvent, to = world): Move => ({
    name,
    to: happened(to, n, [event, scenario]),
  });
  const wanted = (why: RenewalReason): IdentityEvent => ({ kind: "wanted", why });
  return [
    ...look(world, n, [process, scenario]),
    ...(scenario.keep === "onUse" ? [hears(`${who}'s token is wanted`, wanted({ kind: "use" }))] : []),
    ...(left.hands > 0 ? [hears(`${who} is asked by hand`, wanted({ kind: "hand" }), spend(afresh, "hands"))] : []),
    ...(left.refusals > 0 && state.held
      ? [
          refused(world, n, [
            hears(
              `${who}'s token is refused`,
              wanted({ kind: "refused", tokenId: state.held.tokenId }),
              spend(world, "refusals"),
            ),
            process,
          ]),
        ]
      : []),
    ...(left.ends > 0
      ? (["close", "forget"] as const).map((how) =>
          hears(`${who} is to ${how}`, { kind: "ended", how }, spend(world, "ends")),
        )
      : []),
    ...(state.trouble?.isFinal === true && world.isCredentialGood
      ? [hears(`${who} sees another credential`, { kind: "credentialChanged" }, afresh)]
      : []),
  ];
}

function look(world: World, n: number, [process, scenario]: Asked): readonly Move[] {
  if (ownNowMs(world) < wakeAtMs(process.state) || process.effects.length > 0) return [];
  const to = happened(world, n, [{ kind: "looked" }, scenario]);
  const after = to.processes[n];
  const isIdle = after?.kind === "up" && after.effects.length === 0 && wakeAtMs(after.state) <= ownNowMs(world);
  return [
    { name: `process ${n + 1} looks at the clock`, to: isIdle ? { ...to, breach: "(g) the timer runs hot" } : to },
  ];
}

function refused(world: World, n: number, [move, before]: readonly [Move, Running]): Move {
  const after = move.to.processes[n];
  const isBegun = after?.kind === "up" && after.effects.length > before.effects.length;
  return { ...move, to: { ...move.to, refusedNow: world.refusedNow + (isBegun ? 1 : 0) } };
}

function tick(world: World, scenario: Scenario): readonly Move[] {
  if (world.left.ticks === 0) return [];
  if (mayPass(world, scenario)) {
    return [{ name: "time passes", to: { ...spend(world, "ticks"), nowMs: world.nowMs + tickMs, refusedNow: 0 } }];
  }
  const nextMs = nextLookMs(world);
  if (nextMs === undefined) return [];
  if (nextMs < world.nowMs + tickMs) return [{ name: "a moment passes", to: { ...world, nowMs: nextMs } }];
  return [{ name: "nobody does anything", to: { ...world, breach: "(a) a lost answer gets too old" } }];
}

function troubles(world: World): readonly Move[] {
  const { left, grants } = world;
  const grant = grants.at(-1);
  const revoked = { atMs: world.nowMs, reason: "revoked" } as const;
  return [
    ...(left.revocations > 0 && grant && !grant.revoked
      ? [
          {
            name: "somebody revokes the grant",
            to: { ...spend(world, "revocations"), grants: grants.with(-1, { ...grant, revoked }) },
          },
        ]
      : []),
    ...(left.credentialChanges > 0
      ? [
          {
            name: "the credential changes",
            to: { ...spend(world, "credentialChanges"), isCredentialGood: !world.isCredentialGood },
          },
        ]
      : []),
  ];
}

/**
 * Somebody sets the clock of the processes back: by two ticks, which those that run see, and none of them dies after that; or, where
 * nobody runs, far beyond the last token, which is seen at the next start.
 */
export function setBack(world: World, scenario: Scenario): readonly Move[] {
  if (world.left.setBacks === 0) return [];
  const isSeen = runningOf(world).length > 0;
  const byMs = (isSeen ? 2 : 100) * tickMs;
  const { left, behindMs } = spend(world, "setBacks");
  const moved = { ...world, behindMs: behindMs + byMs, left: { ...left, ...(isSeen && { crashes: 0 }) } };
  const to = world.processes.reduce((now, _, n) => happened(now, n, [{ kind: "setBack", byMs }, scenario]), moved);
  return [{ name: "somebody sets the clock back", to }];
}
