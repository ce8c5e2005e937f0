import { Buffer } from "node:buffer";
import { hashOf, type RefreshToken } from "../../../src/grants/refresh-token.ts";

/** The judge's own book of the tokens that were given out. It knows nothing of how the product decides. */
export interface Ledger {
  /** By secret: when another took its place, and that one's secret. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly highest: number;
}

interface Entry {
  readonly generation: number;
  readonly replacedAtMs?: number;
  /** Absent for one that was lost, and never led to another. */
  readonly successor?: string;
}

export const emptyLedger: Ledger = { entries: new Map(), highest: -1 };

const names = new WeakMap<Uint8Array, string>();

/** A secret's name in the book: the beginning of its hash. */
export function nameOf({ secret }: Pick<RefreshToken, "secret">): string {
  const known = names.get(secret);
  if (known !== undefined) return known;
  const name = shortName(hashOf(secret));
  names.set(secret, name);
  return name;
}

export const shortName = (hash: Uint8Array): string => Buffer.from(hash).toString("hex").slice(0, 16);

export function entered(ledger: Ledger, token: RefreshToken): Ledger {
  const entries = new Map(ledger.entries).set(nameOf(token), { generation: token.generation });
  return { entries, highest: Math.max(ledger.highest, token.generation) };
}

/** The book after a renewal: whatever was current, and what was shown, has another in its place now. */
export function renewedIn(
  ledger: Ledger,
  { shown, successor }: { readonly shown: RefreshToken; readonly successor: RefreshToken },
  nowMs: number,
): Ledger {
  const entries = new Map(ledger.entries);
  for (const [name, entry] of entries) {
    if (entry.replacedAtMs === undefined) entries.set(name, { ...entry, replacedAtMs: nowMs });
  }
  const before = entries.get(nameOf(shown)) ?? { generation: shown.generation, replacedAtMs: nowMs };
  entries.set(nameOf(shown), { ...before, successor: nameOf(successor) });
  return entered({ ...ledger, entries }, successor);
}
