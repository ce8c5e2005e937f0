import * as deeds from "../world/deeds.ts";
import type { Scenario } from "../world/scenario.ts";
import { ahead, behind, shared } from "./base.ts";

const restores = [deeds.restoreRing, deeds.restoreProjections, deeds.restoreAll];

/** What may befall the three objects. */
export const disasters: readonly Scenario[] = [
  {
    ...shared,
    name: "backups",
    about: "the ring alone, the projections alone or all three go back to an older copy",
    gateways: [ahead],
    app: false,
    disasters: restores,
    budgets: { backups: 1, disasters: 1, requests: 2 },
    deep: { gateways: [ahead, behind], app: true },
  },
  {
    ...shared,
    name: "backups and revocation",
    about: "an older copy must not bring a revoked key back",
    gateways: [ahead],
    app: false,
    edits: [deeds.revokeSigner, deeds.revokeStandby],
    disasters: restores,
    budgets: { backups: 1, disasters: 1, requests: 1, edits: 1 },
    deep: { gateways: [ahead, behind], app: true },
  },
  {
    ...shared,
    name: "backups without witnesses",
    about: "no gateway remembers the newer ring: an older copy counts as it is",
    gateways: [],
    edits: [deeds.otherAlgorithm],
    disasters: [deeds.restoreAll, deeds.restoreRing],
    budgets: { backups: 1, disasters: 1, requests: 1, edits: 1 },
    deep: { budgets: { backups: 1, disasters: 1, requests: 2, edits: 1 } },
  },
  {
    ...shared,
    name: "an older public ring",
    about: "verifiers get an older JWKS for a while, without the key that is to sign next",
    gateways: [ahead],
    app: false,
    disasters: [deeds.putBackPublic],
    budgets: { backups: 1, disasters: 1, requests: 2 },
    deep: { gateways: [ahead, behind], budgets: { backups: 1, disasters: 2, requests: 2 } },
  },
  {
    ...shared,
    name: "losses",
    about: "any of the three objects is lost, one after the other",
    gateways: [ahead],
    app: false,
    disasters: [
      deeds.loseRing,
      deeds.loseSigner,
      deeds.losePublic,
      deeds.loseRingAndSigner,
      deeds.loseRingAndPublic,
      deeds.loseAll,
    ],
    budgets: { disasters: 2, requests: 1 },
    deep: { gateways: [ahead, behind], app: true },
  },
  {
    ...shared,
    name: "losses and crashes",
    about: "objects are lost between two effects of a pass",
    gateways: [ahead],
    app: false,
    passes: "effects",
    disasters: [deeds.loseRing, deeds.loseSigner, deeds.loseRingAndSigner],
    budgets: { disasters: 1, requests: 1, crashes: 1 },
    deep: { app: true },
  },
];
