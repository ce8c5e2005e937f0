import { clientReads, connected } from "./client.ts";
import { read, told } from "./gateway.ts";
import { noticed, takes } from "./moves.ts";
import { graceMs, isRevoked, keepMs, type Scenario, tokenAt, type World } from "./world.ts";

/** What must hold in every world. */
export function breachOfWorld(world: World, scenario: Scenario): string | undefined {
  return (
    world.breach ?? senderBreach(world) ?? orderBreach(world) ?? sessionBreach(world) ?? calmBreach(world, scenario)
  );
}

/** Whoever has sent something knows what became of it, or somebody still sees to it. */
function senderBreach({ application, peer, client }: World): string | undefined {
  const waiting = new Set(peer?.outbox.waiting.map(({ id }) => id));
  const unanswered = application.sent.filter((id) => application.answers[id] === undefined);
  const lost = unanswered.find((id) => !waiting.has(id));
  if (lost !== undefined) return `(a) ${lost} is gone, and its sender is not told`;
  const untrue = client.confirmed.find((id) => !application.taken.includes(id));
  return untrue === undefined ? undefined : `(a) ${untrue} is confirmed, and the application has not taken it`;
}

function orderBreach({ application, client, said }: World): string | undefined {
  const down = unordered(client.had, application.sent);
  if (down !== undefined) return `(a) to the client: ${down}`;
  const up = unordered(application.had, said);
  return up === undefined ? undefined : `(a) to the application: ${up}`;
}

/** Each at most once, in the order in which they were sent. */
export function unordered(had: readonly string[], sent: readonly string[]): string | undefined {
  const places = had.map((id) => sent.indexOf(id));
  const at = places.findIndex((place, index) => index > 0 && place <= (places[index - 1] ?? -1));
  if (at < 0) return undefined;
  return had.indexOf(had[at] ?? "") < at ? `${had[at]} comes twice` : `${had[at]} comes too late`;
}

function sessionBreach({ connections, peer, nowMs, drainsUntilMs, ...world }: World): string | undefined {
  const open = peer?.session;
  const stranger = connections.find(({ id, phase, isBroken }) => phase === "open" && !isBroken && id !== open?.id);
  if (stranger) return `(b) ${stranger.id} is taken for open by its owner, and was not told`;
  if (open === undefined) {
    const isKept = peer !== undefined && !((peer.keptUntilMs ?? Infinity) <= nowMs + keepMs);
    return isKept ? "(g) a peer that is away is kept for longer than it should" : undefined;
  }
  const connection = connections.find(({ id }) => id === open.id);
  if (connection && nowMs >= connection.shownEndMs + graceMs) return "(c) a session lives past its end and the grace";
  if (drainsUntilMs !== undefined && nowMs >= drainsUntilMs) return "(e) a session outlives the drain";
  const { token } = open;
  return isRevoked({ ...world, connections, nowMs }, token) ? "(d) a session of what was revoked is open" : undefined;
}

/** Rounds until all has settled that can. */
const patience = 40;

/** From here on nothing more goes wrong, and the client comes back when it has to: then all that is under way arrives. */
function calmBreach(world: World, scenario: Scenario): string | undefined {
  let to = world;
  for (let round = 0; round < patience; round++) {
    const next = calmRound(to, scenario);
    if (next === to) return to.breach ?? unsettled(to, scenario);
    to = next;
  }
  return "(f) it never comes to rest";
}

function calmRound(world: World, scenario: Scenario): World {
  const connection = world.connections[0];
  const busy = world.connections.find(({ up, down }) => up.length + down.length > 0) ?? connection;
  if (busy?.isBroken) return noticed(world, scenario, busy.id);
  if (busy && busy.up.length > 0) return read(world, scenario, busy);
  if (busy && busy.down.length > 0) return clientReads(world, scenario, busy);
  const broken = world.connections.find(({ isBroken }) => isBroken);
  if (broken) return noticed(world, scenario, broken.id);
  if (world.application.toTake.length > 0) return takes(world, scenario);
  const mayConnect = world.client.current === undefined && !world.isGrantRevoked && world.drainsUntilMs === undefined;
  return mayConnect ? connected({ ...world, client: { ...world.client, token: tokenAt(world) } }) : world;
}

function unsettled(world: World, scenario: Scenario): string | undefined {
  const { application, client, isGrantRevoked, drainsUntilMs } = world;
  const unanswered = ({ application: { sent, answers } }: World): readonly string[] =>
    sent.filter((id) => answers[id] === undefined);
  if (isGrantRevoked || drainsUntilMs !== undefined) {
    const ended = told(world, scenario, { kind: "ended", code: "Draining" });
    const left = unanswered(ended)[0];
    if (left !== undefined) return `(f) nobody is ever told of ${left}`;
    return ended.peer === undefined ? undefined : "(f) something is left";
  }
  const [down] = unanswered(world);
  if (down !== undefined) return `(f) ${down} never arrives`;
  const up = client.unconfirmed.find(({ id }) => !application.taken.includes(id)) ?? client.unconfirmed[0];
  return up === undefined ? undefined : `(f) ${up.id} is never confirmed`;
}
