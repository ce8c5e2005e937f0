import type { RefreshToken } from "../../../src/grants/refresh-token.ts";
import type { Grant } from "../../../src/grants/grant.ts";
import { renew, type Renewal, type RenewalRequest } from "../../../src/grants/renew.ts";
import { nameOf, renewedIn } from "./ledger.ts";
import { bytes, capMs, type Scenario, windowMs, type World } from "./world.ts";

export interface Asked {
  readonly shown: RefreshToken;
  readonly by: "owner" | "thief";
}

/** The world after the issuer has answered, and the answer. What may not be stands in `breach`. */
export function answered(
  world: World,
  scenario: Scenario,
  asked: Asked,
): { readonly to: World; readonly answer: Renewal } {
  const request = requestOf(world, scenario, asked);
  const answer = (scenario.decide ?? renew)(world.grant, request);
  const breach = breachOf(world, scenario, { ...asked, isProven: request.isProven, answer });
  const grant = "grant" in answer ? answer.grant : world.grant;
  const isRenewed = answer.kind === "renewed";
  const ledger = isRenewed
    ? renewedIn(world.ledger, { shown: asked.shown, successor: answer.successor }, world.nowMs)
    : world.ledger;
  const left = { ...world.left, renewals: world.left.renewals - (isRenewed ? 1 : 0) };
  return { to: { ...world, grant, ledger, left, ...(breach !== undefined && { breach }) }, answer };
}

function requestOf(world: World, { isProven, recovers }: Scenario, { shown, by }: Asked): RenewalRequest {
  return {
    shown,
    isProven: by === "owner" && isProven,
    nowMs: world.nowMs,
    // Another salt for each renewal, as chance would have it
    salt: bytes(`salt ${world.left.renewals} ${world.left.restores} ${nameOf(shown)}`, 32),
    policy: {
      retryWindowMs: windowMs,
      maxRefreshTtlMs: capMs,
      ...(recovers === true && world.isRestored && { recoverGrantsUntilMs: Number.MAX_SAFE_INTEGER }),
    },
  };
}

interface Judged extends Asked {
  readonly isProven: boolean;
  readonly answer: Renewal;
}

function breachOf(world: World, scenario: Scenario, judged: Judged): string | undefined {
  const { answer, by } = judged;
  switch (answer.kind) {
    case "renewed":
    case "replayed":
      return successBreach(world, judged);
    case "ended":
      return mayEnd(world, judged) ? undefined : `(a) the grant ended, though the ${by} did nothing that is reuse`;
    case "refused":
      return refusalBreach(world, scenario, { ...judged, reason: answer.reason });
    default:
      return answer satisfies never;
  }
}

function successBreach(world: World, { shown, isProven, answer }: Judged): string | undefined {
  const { grant, nowMs, ledger } = world;
  if (grant.revoked) return "(d) renewed after its end";
  if (nowMs >= grant.expiresAtMs || nowMs >= (grant.notAfterMs ?? Infinity)) return "(d) renewed after it expired";
  const entry = ledger.entries.get(nameOf(shown));
  const isRecovery = entry === undefined;
  if (isRecovery && (!world.isRestored || grant.recoveredUnderMs !== undefined)) return "(b) an unknown token renewed";
  const ageMs = nowMs - (entry?.replacedAtMs ?? Infinity);
  if (ageMs >= windowMs && !isProven) return "(b) an old token renewed beyond the window";
  if (answer.kind === "replayed" && nameOf(answer.successor) !== entry?.successor)
    return "(c) another successor in a replay";
  if (answer.kind !== "renewed") return undefined;
  if (!isRecovery && answer.successor.generation <= ledger.highest) return "(c) two successors of one generation";
  return endBreach(answer.grant, nowMs);
}

function endBreach({ expiresAtMs, notAfterMs = Infinity }: Grant, nowMs: number): string | undefined {
  if (expiresAtMs > nowMs + capMs) return "(e) the end moved past the cap";
  return expiresAtMs > notAfterMs ? "(e) the end moved past not_after" : undefined;
}

/** Two parties have the token that is shown: it was replaced so long ago that nobody asks again for a lost answer. */
function isReuse({ ledger, nowMs }: World, { shown, isProven }: Omit<Judged, "answer">): boolean {
  const entry = ledger.entries.get(nameOf(shown));
  return !isProven && nowMs - (entry?.replacedAtMs ?? Infinity) >= windowMs;
}

/** After a restored backup nobody knows when a token was replaced; that there are two branches shows. */
function mayEnd(world: World, judged: Judged): boolean {
  const { isRestored, grant, ledger } = world;
  const isOfLostTime =
    isRestored && (!ledger.entries.has(nameOf(judged.shown)) || grant.recoveredUnderMs !== undefined);
  return isReuse(world, judged) || (!judged.isProven && isOfLostTime);
}

function refusalBreach(
  world: World,
  scenario: Scenario,
  judged: Judged & { readonly reason: string },
): string | undefined {
  const { reason } = judged;
  const { grant, nowMs, isRestored } = world;
  const isAlive = !grant.revoked && nowMs < grant.expiresAtMs;
  if (isAlive && isReuse(world, judged)) return `(b) a thief is not found out: ${reason}`;
  const isAlone = scenario.budget.thefts === undefined && scenario.budget.revocations === undefined && !isRestored;
  const isHarmless = reason === "superseded" || (reason === "expired" && nowMs >= grant.expiresAtMs);
  return isAlone && !isHarmless ? `(a) the owner is told "${reason}"` : undefined;
}

/** What must hold in every world, whoever asks next. */
export function breachOfWorld(world: World, scenario: Scenario): string | undefined {
  return world.breach ?? forgeryBreach(world, scenario) ?? ownerBreach(world, scenario);
}

/** Somebody who knows the grant's id, and no token. */
function forgeryBreach(world: World, scenario: Scenario): string | undefined {
  const { grant } = world;
  const shown = { ...forged, grantId: grant.id, generation: Math.max(0, grant.generation - 1) };
  const answer = (scenario.decide ?? renew)(grant, requestOf(world, scenario, { shown, by: "thief" }));
  return answer.kind === "refused" ? undefined : `a forged token: ${answer.kind}`;
}

const forged = { secret: bytes("forged", 32), mark: bytes("forged", 16) };

/** Nobody else is in this world: the owner, who asks with what he has, is never sent to sign in. */
function ownerBreach(world: World, scenario: Scenario): string | undefined {
  const { budget } = scenario;
  const isAlone = [budget.thefts, budget.revocations, budget.restores].every((n) => n === undefined);
  if (!isAlone || world.nowMs >= world.grant.expiresAtMs) return undefined;
  const answer = (scenario.decide ?? renew)(
    world.grant,
    requestOf(world, scenario, { shown: world.file, by: "owner" }),
  );
  if (answer.kind === "renewed" || answer.kind === "replayed") return undefined;
  return `(a) the owner has lost the grant: ${answer.kind}`;
}
