import * as deeds from "../world/deeds.ts";
import { basePolicy } from "../world/deeds.ts";
import type { Scenario } from "../world/scenario.ts";
import { tickMs } from "../world/world.ts";
import { ahead, behind, shared } from "./base.ts";

const { propagation, window } = deeds;

/** What people may ask for. */
export const people: readonly Scenario[] = [
  {
    ...shared,
    name: "profiles",
    about: "another algorithm, tokens that live longer, and back",
    gateways: [ahead],
    edits: [deeds.otherAlgorithm, deeds.sameAlgorithm, deeds.longerTTL, deeds.shorterTTL],
    longest: { window: 4 },
    budgets: { edits: 2 },
    deep: { gateways: [ahead, behind], budgets: { edits: 2, requests: 1 } },
  },
  {
    ...shared,
    name: "propagation",
    about: "propagation.minimum goes up and down",
    gateways: [ahead],
    app: false,
    edits: [propagation(0), propagation(1), propagation(3)],
    longest: { wait: 3 },
    budgets: { edits: 2, requests: 2 },
    deep: { app: true, budgets: { edits: 3, requests: 2 } },
  },
  {
    ...shared,
    name: "windows",
    about: "rotationWindow goes up and down while minters live on behind a partition",
    policy: { ...basePolicy, propagationMs: 0, rotationWindowMs: 4 * tickMs },
    edits: [window(3), window(5)],
    longest: { window: 5 },
    budgets: { edits: 2, requests: 1, deletions: 1 },
    deep: { budgets: { edits: 3, requests: 2, deletions: 1 } },
  },
  {
    ...shared,
    name: "rollback",
    about: "pins on old keys and on the standby, taken back again",
    gateways: [ahead],
    edits: [deeds.pinOldest, deeds.pinStandby, deeds.unpin],
    budgets: { edits: 2, requests: 2 },
    deep: { gateways: [ahead, behind], budgets: { edits: 3, requests: 2 } },
  },
  {
    ...shared,
    name: "revocation",
    about: "every kind of key revoked, by kid and by date",
    gateways: [ahead],
    app: false,
    edits: [
      deeds.revokeSigner,
      deeds.revokeStandby,
      deeds.revokeRetiring,
      deeds.revokeUnknown,
      deeds.revokeBefore(-1),
      deeds.revokeBefore(0),
      deeds.revokeBefore(2),
    ],
    longest: { lookback: 3 },
    budgets: { edits: 2, requests: 1 },
    deep: { gateways: [ahead, behind], app: true },
  },
  {
    ...shared,
    name: "pins and revocation",
    about: "a pin against a revocation, an edit of the profile and a suspension",
    gateways: [ahead],
    edits: [
      deeds.pinOldest,
      deeds.pinStandby,
      deeds.unpin,
      deeds.revokeSigner,
      deeds.revokeStandby,
      deeds.revokeBefore(0),
      deeds.otherAlgorithm,
      deeds.suspend,
      deeds.resume,
    ],
    budgets: { edits: 3, requests: 1 },
    maxDepth: 8,
    deep: { maxDepth: 14 },
  },
];
