import type { Key } from "../../ring/key.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";
import { pruneAtMs } from "../../ring/rules/retire.ts";
import type { View } from "../../ring/view.ts";
import { paint, type Appearance, type Style } from "../text/screen.ts";
import { table } from "../text/table.ts";
import { age, clockTime, cutKid, kidLength, type LocalNow } from "../text/words.ts";

/** How the tables of the status are shown. */
export interface TableLook {
  readonly look: Appearance;
  /** Whole kids, and more columns. */
  readonly wide: boolean;
}

const stateStyles: Readonly<Record<Key["state"], Style>> = {
  prepared: "prepared",
  active: "active",
  "verify-only": "verifyOnly",
};

/** The keys, a line each. */
export function keyTable(ring: Ring, { look, wide }: TableLook, clock: LocalNow): readonly string[] {
  const keys = keysOf(ring);
  const length = wide ? Infinity : kidLength(keys.map((k) => k.kid));
  const heads = [
    "KID",
    "ALG",
    "STATE",
    "CREATED",
    "PUBLISHED",
    "ACTIVATED",
    "DEMOTED",
    ...(wide ? ["QUIESCED"] : []),
    "PRUNED",
  ];
  const rows = keys.map((key) => {
    const facts = timesOf(key, ring);
    const ago = (atMs: number | undefined): string => (atMs === undefined ? "" : age(atMs, clock.nowMs));
    return [
      cutKid(key.kid, length, look.unicode),
      key.profile.algorithm,
      paint(look, stateStyles[key.state], key.state),
      ago(key.createdAtMs),
      key.publishedAtMs === undefined ? "not yet" : ago(key.publishedAtMs),
      ago(facts.activatedAtMs),
      ago(facts.demotedAtMs),
      ...(wide ? [ago(facts.quiescedAtMs)] : []),
      ago(facts.prunedAtMs),
    ];
  });
  const spare = ["CREATED", "PUBLISHED", "QUIESCED", "ALG", "DEMOTED", "ACTIVATED"];
  return table(heads, rows, { ...look, spare, indent: 1 }).map((text) => ` ${text}`);
}

interface Times {
  readonly activatedAtMs?: number | undefined;
  readonly demotedAtMs?: number;
  readonly quiescedAtMs?: number | undefined;
  readonly prunedAtMs?: number | undefined;
}

function timesOf(key: Key, ring: Ring): Times {
  switch (key.state) {
    case "prepared":
      return {};
    case "active":
      return { activatedAtMs: key.activatedAtMs };
    case "verify-only": {
      const { activatedAtMs, demotedAtMs, quiescedAtMs } = key;
      const prunedAtMs = quiescedAtMs === undefined ? undefined : pruneAtMs(key, quiescedAtMs, ring.settings);
      return { activatedAtMs, demotedAtMs, quiescedAtMs, prunedAtMs };
    }
    default:
      return key satisfies never;
  }
}

const mostRevocations = 5;

/** The newest few: older ones matter to programs only. */
export function revocationLines({ ring }: View, { look, wide }: TableLook, clock: LocalNow): readonly string[] {
  const revoked = ring?.revoked.toReversed() ?? [];
  if (revoked.length === 0) return [];
  const length = wide ? Infinity : kidLength(revoked.map((r) => r.kid));
  const rows = revoked
    .slice(0, wide ? Infinity : mostRevocations)
    .map((r) => [cutKid(r.kid, length, look.unicode), clockTime(r.revokedAtMs, clock), r.reason ?? ""]);
  const more = revoked.length - rows.length;
  const rest = more > 0 ? [` ${paint(look, "faint", `and ${more} more: -o wide`)}`] : [];
  return ["", ...table(["REVOKED", "AT", "REASON"], rows, look).map((text) => ` ${text}`), ...rest];
}
