import type { PassReport } from "../keeper/pass.ts";
import { gateLine } from "../ring/conditions.ts";
import { shortKid } from "../ring/describe.ts";
import type { Kid } from "../ring/key.ts";
import { viewOf } from "../ring/view.ts";

/** How a rotation stands: who signs, and what comes next or is wrong. */
export interface RotationLine {
  readonly signer?: Kid;
  /** In one line. */
  readonly text: string;
}

/** Of a pass that wrote nothing. */
export function rotationLine({ ring, decision, seen }: PassReport): RotationLine {
  const { conditions } = viewOf(seen.observation, { decision, forecast: [] });
  const stalled = conditions.find(({ type }) => type === "Stalled")?.message;
  const gates = decision.kind === "plan" ? decision.plan.gates : [];
  const next =
    stalled === undefined ? `next: ${gateLine(gates) ?? "a rotation when it is asked for"}` : `stalled: ${stalled}`;
  if (ring === undefined) return { text: `there are no keys; ${next}` };
  const { kid, profile } = ring.signer;
  return { signer: kid, text: `key ${shortKid(kid)} (${profile.algorithm}) signs; ${next}` };
}
