import type { Grant } from "../../../src/grants/grant.ts";
import type { RefreshToken } from "../../../src/grants/refresh-token.ts";
import { type Ledger, nameOf, shortName } from "./ledger.ts";
import { tickMs, windowMs, type World } from "./world.ts";

/**
 * What the future of a world hangs on. Secrets are named by when they are met, and instants by how far off they are: what only
 * differs in those is one world.
 */
export function keyOf(world: World): string {
  const names = new Map<string, number>();
  const name = (secret: string): number => {
    const known = names.get(secret);
    if (known !== undefined) return known;
    names.set(secret, names.size);
    return names.size - 1;
  };
  const ago = (ms?: number): number => (ms === undefined ? -1 : Math.min(world.nowMs - ms, windowMs + tickMs) / tickMs);
  const token = (one: RefreshToken): string => `${name(nameOf(one))}.${one.generation}`;
  const hash = (bytes: Uint8Array | undefined): number => (bytes === undefined ? -1 : name(shortName(bytes)));
  const row = (grant: Grant): unknown[] => [
    grant.generation,
    hash(grant.currentHash),
    hash(grant.previousHash),
    grant.replacedAtMs.map((ms) => ago(ms)),
    (grant.expiresAtMs - world.nowMs) / tickMs,
    ((grant.notAfterMs ?? world.nowMs) - world.nowMs) / tickMs,
    grant.revoked?.reason,
    grant.recoveredUnderMs,
  ];
  const book = ({ entries, highest }: Ledger): unknown[] => [
    highest,
    ...[...entries].map(([secret, { generation, replacedAtMs, successor }]) => [
      name(secret),
      generation,
      ago(replacedAtMs),
      successor === undefined ? -1 : name(successor),
    ]),
  ];
  return JSON.stringify([
    row(world.grant),
    book(world.ledger),
    world.backup && [row(world.backup.grant), book(world.backup.ledger)],
    world.isRestored,
    token(world.file),
    world.processes.map((p) => [
      p.kind,
      p.kind === "asking" ? token(p.shown) : p.kind === "answered" ? token(p.got) : "",
    ]),
    world.stolen.map(token),
    Object.values(world.left),
    world.breach,
  ]);
}
