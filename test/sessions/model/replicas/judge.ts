import { clientReads } from "../client.ts";
import { unordered } from "../judge.ts";
import { tokenAt } from "../world.ts";
import { both, plain, type Places, type PlacesScenario } from "./place.ts";
import { connects, healed, isReadable, noticed, read, retried, takes, timedOut } from "./moves.ts";
import { stands, wordArrives } from "./replica.ts";

/** What must hold, whatever happens between two replicas. */
export const breachOf = (all: Places, scenario: PlacesScenario): string | undefined =>
  all.world.breach ?? lost(all) ?? disorder(all, scenario) ?? calmBreach(all, scenario);

function lost({ world, places, sentAt }: Places): string | undefined {
  const { application, client } = world;
  const unanswered = application.sent.filter((id) => application.answers[id] === undefined);
  const gone = unanswered.find((id) => {
    const { peer, asks } = places[sentAt[id] ?? 0];
    return !asks.includes(id) && peer?.outbox.waiting.some((one) => one.id === id) !== true;
  });
  if (gone !== undefined) return `(a) ${gone} is gone, and its sender is not told`;
  const untrue = client.confirmed.find((id) => !application.taken.includes(id));
  return untrue === undefined ? undefined : `(a) ${untrue} is confirmed, and no application has taken it`;
}

/** Each once; and in its sender's order, where nothing was lost. */
function disorder({ world, sentAt, isHarmed }: Places, { isNew }: PlacesScenario): string | undefined {
  const { client, application, said } = world;
  const twice = client.had.find((id, at) => client.had.indexOf(id) !== at);
  if (twice !== undefined) return `(a) ${twice} comes twice`;
  if (isHarmed) return undefined;
  // Whoever has not heard of his first session can't go on with it
  if (isNew !== true && client.inDoubt.length > 0) return `(a) ${client.inDoubt[0]} is in doubt, and nothing was lost`;
  const down = both.map((at) =>
    unordered(
      client.had.filter((id) => sentAt[id] === at),
      application.sent.filter((id) => sentAt[id] === at),
    ),
  );
  const why = down.find((one) => one !== undefined) ?? unordered(application.had, said);
  return why === undefined ? undefined : `(a) ${why}`;
}

const patience = 80;

/** From here on nothing more goes wrong, the clock goes on, and the client comes back when it has to. */
function calmBreach(all: Places, scenario: PlacesScenario): string | undefined {
  let to = all;
  for (let round = 0; round < patience; round++) {
    const next = calmRound(to, scenario);
    if (next === to) return to.world.breach ?? unsettled(to);
    to = next;
  }
  return "(f) it never comes to rest";
}

function calmRound(all: Places, scenario: PlacesScenario): Places {
  if (all.isCut) return healed(all);
  for (const at of both) if (all.words[at].length > 0) return wordArrives(all, scenario, at);
  for (const connection of all.world.connections) {
    if (connection.isBroken) return noticed(all, scenario, connection.id);
    if (isReadable(all, connection)) return read(all, scenario, connection);
    if (connection.down.length > 0) {
      return { ...all, world: clientReads(all.world, plain(scenario), connection) };
    }
  }
  if (all.world.application.toTake.length > 0) return takes(all, scenario);
  for (const at of both) if (all.places[at].exchange) return timedOut(all, scenario, at);
  const isDouble = both.every((at) => all.places[at].peer) && scenario.isSilent !== true;
  if (isDouble) return stands(all, 0);
  const again = retried(all, scenario);
  if (again !== all) return again;
  const { client, nowMs } = all.world;
  if (client.current !== undefined) return all;
  const fresh = { ...all.world, client: { ...client, token: tokenAt({ nowMs, signer: 1 }) } };
  return connects({ ...all, world: fresh }, all.places[0].peer ? 1 : 0);
}

function unsettled({ world, places }: Places): string | undefined {
  const { application, client } = world;
  const down = application.sent.find((id) => application.answers[id] === undefined);
  if (down !== undefined) return `(f) nobody is ever told of ${down}`;
  const [up] = client.unconfirmed;
  if (up !== undefined) return `(f) ${up.id} is never confirmed`;
  const open = places.flatMap(({ peer }) => (peer?.session ? [peer.session.id] : []));
  if (open.length > 1) return "(b) two sessions of one peer are left";
  if (places.filter(({ peer }) => peer).length > 1) return "(b) the peer is at two replicas";
  return open[0] === client.current ? undefined : "(b) what its owner takes for open is not";
}
