import { thumbprintOf, type Kid, type IdentifiedKey } from "./key.ts";
import type { AdoptableKey } from "./plan.ts";
import type { Copy, Found, Remnant } from "./reading.ts";
import { keysOf, ordinaryKeyLimit, type Ring } from "./ring.ts";

/** The keys that a damaged object, or one that is to be adopted, has by itself: the one that can sign first. */
const remnantsOf = ({ signer, ring, public: open }: Found): readonly Omit<Remnant, "earlier">[] =>
  [signer, ring, open].flatMap((r): readonly Omit<Remnant, "earlier">[] => {
    if (r.kind === "adoptable") return [r];
    return r.kind === "unreadable" && r.left ? [r.left] : [];
  });

/** Older than what is lost, and only for who asked for it: a ring must not go back by itself. */
export const earlierCopies = ({ recovery, ring, signer, public: open }: Found): readonly Copy[] =>
  recovery
    ? [ring, signer, open].flatMap((r) => (r.kind === "unreadable" && r.left?.earlier ? [r.left.earlier] : []))
    : [];

/** What a new ring takes over where there is no other: the signer first, each key once, and not more than it has room for. */
export function keysLeft(found: Found): readonly AdoptableKey[] {
  const remnants = remnantsOf(found).filter((r) => found.recovery !== undefined || r === found.signer);
  const signers = remnants.flatMap(({ signer }) => signer ?? []);
  const all = [...signers, ...remnants.flatMap(({ verifyOnly }) => verifyOnly)];
  const fitting = all.filter((key, i) => all.slice(0, i).every((other) => differ(key, other)));
  return fitting.slice(0, ordinaryKeyLimit - 1).map((key) => (found.recovery ? own(key) : key));
}

/** What is called after its thumbprint where a ring is to be recovered, Keyturn made: its schedule goes on. */
const own = (key: AdoptableKey): AdoptableKey => (key.thumbprint === undefined ? { ...key, isOwn: true } : key);

const differ = (key: IdentifiedKey, other: IdentifiedKey): boolean =>
  key.kid !== other.kid && thumbprintOf(key) !== thumbprintOf(other);

/** True when the private half of the key is left. */
export const canSign = (found: Found, key: AdoptableKey): boolean =>
  remnantsOf(found).some(({ signer }) => signer?.kid === key.kid && thumbprintOf(signer) === thumbprintOf(key));

/** Keys of damaged objects that the ring does not know, as far as there is room beside those that a person brings. */
export function newTo(remains: Ring, found: Found): readonly AdoptableKey[] {
  const brought = found.recovery?.alsoVerify ?? [];
  const known: readonly IdentifiedKey[] = [...keysOf(remains), ...remains.revoked, ...brought];
  const keys = keysLeft(found).filter((key) => known.every((other) => differ(key, other)));
  return keys.slice(0, Math.max(0, ordinaryKeyLimit - 1 - keysOf(remains).length - brought.length));
}

/** Kids whose private half was found anywhere; of a damaged object's only where it is the key that the ring means. */
export function halvesOf(found: Found, remains: Ring): readonly Kid[] {
  const copies = [found.ring, found.signer].flatMap((r) => (r.kind === "ring" ? [r] : []));
  const signers = remnantsOf(found).flatMap(({ signer }) => signer ?? []);
  const isMeant = (key: AdoptableKey): boolean =>
    keysOf(remains).some((k) => k.kid === key.kid && thumbprintOf(k) === thumbprintOf(key));
  const kids = [
    ...[...copies, ...earlierCopies(found)].flatMap(({ halves }) => halves),
    ...signers.filter(isMeant).map(({ kid }) => kid),
  ];
  return [...new Set(kids)];
}
