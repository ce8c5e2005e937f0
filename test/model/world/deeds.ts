import type { Kid, Profile } from "../../../src/ring/key.ts";
import type { Policy } from "../../../src/ring/plan.ts";
import { keysOf } from "../../../src/ring/ring.ts";
import { omit } from "./omit.ts";
import type { Deed } from "./scenario.ts";
import { msAt, tickMs, type Objects, type World } from "./world.ts";

const profile: Profile = { algorithm: "ES256", issuer: "i", audiences: ["a"], maxTTLMs: tickMs };
const eddsa: Profile = { ...profile, algorithm: "EdDSA" };
const longLived: Profile = { ...profile, maxTTLMs: 2 * tickMs };

export const basePolicy: Policy = {
  profile,
  schedule: { kind: "onRequest" },
  propagationMs: 2 * tickMs,
  acknowledgements: "Required",
  clockSkewMs: tickMs,
  rotationWindowMs: 3 * tickMs,
  rollbackWindowMs: 2 * tickMs,
  revokedKids: [],
  adoptionMaxTTLMs: tickMs,
  suspend: false,
};

// --- edits of the policy ----------------------------------------------------------------------

const edit = (name: string, change: (world: World) => Partial<Policy> | undefined): Deed => ({
  name,
  apply(world) {
    const changed = change(world);
    if (!changed) return undefined;
    const policy = { ...world.policy, ...changed };
    return JSON.stringify(policy) === JSON.stringify(world.policy) ? undefined : { ...world, policy };
  },
});

const ringOf = ({ objects }: World) => objects.ring?.ring;

export const otherAlgorithm = edit("asks for EdDSA", () => ({ profile: eddsa }));
export const sameAlgorithm = edit("asks for ES256 again", () => ({ profile }));
/** Two ticks, and the window that this needs. */
export const longerTTL = edit("asks for tokens that live twice as long", ({ policy }) => ({
  profile: longLived,
  rotationWindowMs: Math.max(policy.rotationWindowMs, 4 * tickMs),
}));
export const shorterTTL = edit("asks for short tokens again", () => ({ profile, rotationWindowMs: 3 * tickMs }));

export const propagation = (ticks: number): Deed =>
  edit(`sets propagation.minimum to ${String(ticks)} ticks`, () => ({ propagationMs: ticks * tickMs }));
export const window = (ticks: number): Deed =>
  edit(`sets rotationWindow to ${String(ticks)} ticks`, () => ({ rotationWindowMs: ticks * tickMs }));

/** The custom resource refuses a pin on a revoked kid. */
const isRevokedBySpec = ({ policy }: World, kid: Kid): boolean => policy.revokedKids.some((r) => r.kid === kid);

const withoutPin = ({ pinnedKid: _, ...policy }: Policy): Policy => policy;

export const pinOldest = edit("pins the oldest key that can sign", (world) => {
  const kid = ringOf(world)?.retiring.findLast((k) => k.canSign)?.kid;
  return kid === undefined || isRevokedBySpec(world, kid) ? undefined : { pinnedKid: kid };
});
export const pinStandby = edit("pins the standby", (world) => {
  const kid = ringOf(world)?.standby?.kid;
  return kid === undefined || isRevokedBySpec(world, kid) ? undefined : { pinnedKid: kid };
});
export const unpin: Deed = {
  name: "takes the pin back",
  apply: (world) => (world.policy.pinnedKid === undefined ? undefined : { ...world, policy: withoutPin(world.policy) }),
};

const revoking = (name: string, kidOf: (world: World) => Kid | undefined): Deed =>
  edit(name, (world) => {
    const kid = kidOf(world);
    const { revokedKids, pinnedKid } = world.policy;
    if (kid === undefined || kid === pinnedKid || revokedKids.some((r) => r.kid === kid)) return undefined;
    return { revokedKids: [...revokedKids, { kid }] };
  });
export const revokeSigner = revoking("revokes the signer", (world) => ringOf(world)?.signer.kid);
export const revokeStandby = revoking("revokes the standby", (world) => ringOf(world)?.standby?.kid);
export const revokeRetiring = revoking("revokes the newest old key", (world) => ringOf(world)?.retiring[0]?.kid);
export const revokeUnknown = revoking("revokes a kid that nobody knows", () => "k-unknown");

export const forgive = edit("takes all revocations out of the spec", () => ({ revokedKids: [] }));

export const revokeBefore = (ticks: number): Deed =>
  edit(`revokes all keys made before ${ticks === 0 ? "now" : `${String(ticks)} ticks from now`}`, (world) => {
    const atMs = msAt(world.tick) + ticks * tickMs;
    return atMs > (world.policy.revokeCreatedBeforeMs ?? 0) ? { revokeCreatedBeforeMs: atMs } : undefined;
  });

export const suspend = edit("suspends", () => ({ suspend: true }));
export const resume = edit("resumes", () => ({ suspend: false }));

// --- what befalls the objects -----------------------------------------------------------------

const without = (world: World, ...names: (keyof Objects)[]): World | undefined => {
  const { objects } = world;
  if (names.every((name) => objects[name] === undefined)) return undefined;
  const left = Object.fromEntries(Object.entries(objects).filter(([name]) => !names.some((n) => n === name)));
  return forgotten(world, { ...world, objects: left });
};

const lose = (...names: (keyof Objects)[]): Deed => ({
  name: `loses ${names.map((n) => ({ ring: "the ring Secret", signer: "the signer Secret", open: "the public ConfigMap" })[n]).join(" and ")}`,
  apply: (world) => without(world, ...names),
});
export const loseRing = lose("ring");
export const loseSigner = lose("signer");
export const losePublic = lose("open");
export const loseRingAndSigner = lose("ring", "signer");
export const loseRingAndPublic = lose("ring", "open");
export const loseAll = lose("ring", "signer", "open");

const restore = (name: string, names: readonly (keyof Objects)[]): Deed => ({
  name,
  apply(world) {
    const { backup } = world;
    if (!backup || names.every((n) => backup[n]?.ring === world.objects[n]?.ring)) return undefined;
    let { versions, objects } = world;
    for (const n of names) {
      const ring = backup[n]?.ring;
      if (ring) objects = { ...objects, [n]: { version: ++versions, ring } };
    }
    const servesOld = world.servesOld || names.some((n) => n !== "ring");
    return forgotten(world, { ...world, versions, objects, servesOld });
  },
});
export const restoreRing = restore("restores the ring Secret from the backup", ["ring"]);
export const restoreProjections = restore("restores both projections from the backup", ["signer", "open"]);
export const restoreAll = restore("restores all three objects from the backup", ["ring", "signer", "open"]);

export const backedUp = (world: World): World => ({
  ...world,
  backup: { ...world.objects, acks: Object.fromEntries(world.gateways.map(({ name, ack }) => [name, ack])) },
});

/** etcd goes back, and what the gateways said with it. What they hold in memory is still in use, until a person gives it up. */
export const restoreEverything: Deed = {
  name: "restores etcd",
  apply(world) {
    const { backup } = world;
    if (!backup?.ring || backup.ring.ring === world.objects.ring?.ring) return undefined;
    const { acks, ...rings } = backup;
    let { versions } = world;
    const objects = Object.fromEntries(
      Object.entries(rings).map(([name, { ring }]) => [name, { version: ++versions, ring }]),
    );
    const gateways = world.gateways.map((g) => {
      const ack = acks[g.name];
      return g.expected ? { ...omit(g, "ack"), ...(ack && { ack }) } : g;
    });
    return { ...world, versions, objects, gateways };
  },
};

/**
 * Whoever reads the public ring gets the older one until a pass has mended it. Tokens that it refuses at once are that
 * person's affair; those of a key that signs later are ours.
 */
export const putBackPublic: Deed = {
  name: "puts an older public ConfigMap back",
  apply(world) {
    const older = world.backup?.open?.ring;
    const ring = world.objects.ring?.ring;
    if (!older || !ring || older === world.objects.open?.ring) return undefined;
    const signed = keysOf(ring).filter((k) => k.state !== "prepared" && !keysOf(older).some((o) => o.kid === k.kid));
    const versions = world.versions + 1;
    const objects = { ...world.objects, open: { version: versions, ring: older } };
    const destroyed = [...new Set([...world.destroyed, ...signed.map((k) => k.kid)])];
    return { ...world, versions, objects, destroyed };
  },
};

/** What a person took out of all three objects, or brought back after it had left them: not our promise any more. */
function forgotten(before: World, after: World): World {
  const [had, has] = [kidsOf(before), kidsOf(after)];
  const changed = [...[...had].filter((kid) => !has.has(kid)), ...[...has].filter((kid) => !had.has(kid))];
  return { ...after, destroyed: [...new Set([...before.destroyed, ...changed])] };
}

const kidsOf = ({ objects: { ring, signer, open } }: World): ReadonlySet<Kid> =>
  new Set([ring, signer, open].flatMap((o) => (o ? keysOf(o.ring).map((k) => k.kid) : [])));

export const distrustClock: Deed = {
  name: "finds the controllers' clock to be wrong",
  apply: (world) => (world.clockTrusted ? { ...world, clockTrusted: false } : undefined),
};
export const mendClock: Deed = {
  name: "mends the controllers' clock",
  apply: (world) => (world.clockTrusted ? undefined : { ...world, clockTrusted: true }),
};
