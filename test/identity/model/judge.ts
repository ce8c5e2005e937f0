import { parseRefreshToken } from "../../../src/grants/refresh-token.ts";
import { stepIdentity } from "../../../src/identity/machine/step-identity.ts";
import type { HeldPair } from "../../../src/identity/machine/held-pair.ts";
import { answerTo, wakeAtMs } from "../../../src/identity/machine/wants.ts";
import { ownNowMs, type Running, type Scenario, tickMs, windowMs, type World } from "./world.ts";

/** What must hold in every world. */
export function breachOfWorld(world: World, scenario: Scenario): string | undefined {
  return (
    world.breach ??
    flightBreach(world) ??
    runningOf(world)
      .map(
        (process) => diskBreach(world, process) ?? callerBreach(world, scenario, process) ?? askBreach(world, process),
      )
      .find((breach) => breach !== undefined) ??
    (world.refusedNow > 1 ? "(f) a refusal of a token that has just come is a renewal" : undefined)
  );
}

export const runningOf = ({ processes }: World): readonly Running[] =>
  processes.filter(({ kind }) => kind === "up") as Running[];

/** Who waits for an answer of the issuer. */
const isAsking = ({ effects }: Running): boolean => effects[0]?.kind === "ask";

function flightBreach(world: World): string | undefined {
  return runningOf(world).filter(isAsking).length > 1 ? "(b) two requests are in flight" : undefined;
}

/** What is given out would be there after a power cut, unless the disk has refused it. */
function diskBreach({ disk }: World, { state }: Running): string | undefined {
  const { held, isSaved, phase, ending } = state;
  if (phase.kind === "closed") return ending === "forget" && disk !== undefined ? "(h) something is left" : undefined;
  const isOwed = held !== undefined && isSaved && ending === undefined;
  return isOwed && (disk?.serial ?? 0) < held.serial ? "(c) what is given out is not on the disk" : undefined;
}

/** Somebody wants a token now. */
function callerBreach(world: World, scenario: Scenario, { state: before }: Running): string | undefined {
  const at = { nowMs: ownNowMs(world), chance: 0.999 };
  const { state } = (scenario.step ?? stepIdentity)(before, { kind: "wanted", why: { kind: "use" } }, at);
  if (state.ending !== undefined) return undefined;
  const answer = (scenario.answer ?? answerTo)(state, { kind: "any" }, at.nowMs);
  if (answer.kind === "given" && endOf(answer.pair) <= world.nowMs) return "(d) a token is given that has ended";
  const isAskedFor = state.retryAtMs === undefined && answer.kind === "none";
  return isAskedFor ? `(d) nobody asks for a token that is wanted: ${answer.trouble.code}` : undefined;
}

/** By the issuer's clock. */
const endOf = ({ tokenId }: HeldPair): number => Number(tokenId.split(".")[2]);

function askBreach({ dead }: World, process: Running): string | undefined {
  const [effect] = process.effects;
  if (effect?.kind !== "ask" || process.answer !== undefined) return undefined;
  if (process.isDenied === true) return "(e) what was denied is asked for again, though nothing has changed";
  const { showing } = effect;
  return showing.kind === "refresh" && dead.includes(showing.token)
    ? "(e) a dead refresh token is shown again"
    : undefined;
}

/** Whether time may pass: without proof nobody who acts in time lets the window of what he has, or has sent, pass. */
export function mayPass(world: World, { isProven }: Scenario): boolean {
  if (isProven) return true;
  const running = runningOf(world);
  const saving = running.map(({ state: { phase } }) => (phase.kind === "saving" ? phase.next : undefined));
  const pairs = [world.disk, ...saving, ...running.map(({ state }) => state.held)];
  const tokens = pairs.map((pair) => pair?.refresh?.token);
  const sent = world.orphans.map((shown) => (shown.kind === "refresh" ? shown.token : undefined));
  return [...tokens, ...sent].every((token) => world.nowMs + tickMs - replacedAtMs(world, token) < windowMs);
}

/** When another refresh token took the place of this one; Infinity while none has. */
function replacedAtMs({ grants }: World, text = ""): number {
  const token = parseRefreshToken(text);
  const grant = grants.find(({ id }) => Buffer.from(id).equals(token?.grantId ?? Buffer.of()));
  if (token === undefined || grant === undefined || grant.revoked) return Infinity;
  if (token.generation >= grant.generation) return Infinity;
  return grant.replacedAtMs[grant.generation - 1 - token.generation] ?? -Infinity;
}

/** When those look next, by the issuer's clock, who run, have nothing to do, and would ask again for a lost answer; undefined for nobody. */
export function nextLookMs(world: World): number | undefined {
  const idle = runningOf(world).filter(
    ({ state: { held, ending }, effects }) =>
      effects.length === 0 && ending === undefined && replacedAtMs(world, held?.refresh?.token) < Infinity,
  );
  return idle.length === 0 ? undefined : Math.min(...idle.map(({ state }) => wakeAtMs(state) + world.behindMs));
}
