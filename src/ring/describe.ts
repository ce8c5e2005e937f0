import { formatDuration } from "../parse/duration.ts";
import type { Kid } from "./key.ts";
import type { AdoptableKey, Blocker, Gate, Step, Why } from "./plan.ts";
import { formatInstant } from "../parse/instant.ts";

/** Enough of a kid to tell keys apart in a line of text. */
export const shortKid = (kid: Kid): string => (kid.length > 10 ? `${kid.slice(0, 8)}…` : kid);

const whyText: Readonly<Record<Why, string>> = {
  schedule: "the schedule",
  request: "a request",
  profile: "a changed profile",
  pin: "a pin",
  signerLost: "the loss of the signer's private half",
  signerRevoked: "the revocation of the signer",
};

/** A step as an event or a log line says it: what happens to which key, and why. Never key material. */
export function describeStep(step: Step & { readonly kid?: Kid }): string {
  const key = step.kid === undefined ? "a new key" : `key ${shortKid(step.kid)}`;
  switch (step.type) {
    case "begin":
      return `${key} (${step.profile.algorithm}) starts the ring as its signer${alsoVerified(step.alsoVerify?.keys.length ?? 0)}`;
    case "adopt":
      return `key ${shortKid(step.signer.kid)} (${algorithmText(step.signer)}) is adopted as the signer${alsoVerified(step.verifyOnly.length)}`;
    case "rebuild":
      return `the ring is rebuilt from what is left of it${step.why === "recoveryRequested" ? ", as requested" : ""}${alsoVerified(step.alsoVerify.length)}`;
    case "create":
      return step.as === "prepared"
        ? `${key} (${step.profile.algorithm}) is prepared`
        : `${key} (${step.profile.algorithm}) signs at once, because of ${whyText[step.why]}`;
    case "configure":
      return `settings change: tokens live ${formatDuration(step.settings.mintMaxTTLMs)} at most, rotation window ${formatDuration(step.settings.rotationWindowMs)}`;
    case "activate":
      return `${key} becomes the signer, because of ${whyText[step.why]}${step.early ? "; not every verifier is known to have it" : ""}`;
    case "revoke":
      return `${key} is revoked${step.reason === undefined ? "" : `: ${step.reason}`}`;
    case "seeRequests":
      return "what was requested when the resource was made counts as seen";
    case "revokeBefore":
      return `keys made before ${formatInstant(step.effectiveMs)} are revoked`;
    case "publish":
      return `${key} is published: every verifier accepts it`;
    case "unpublish":
      return `${key} is to be published anew: a projection lacked it`;
    case "quiesce":
      return `${key} is quiesced: nobody signs with it any more`;
    case "forget":
      return `the private half of ${key} is forgotten`;
    case "prune":
      return `${key} is pruned: its last token has ended`;
    case "discard":
      return `${key} is discarded before it signed: the profile changed`;
    default:
      return step satisfies never;
  }
}

/** Tokens that the key signed before must say the same, or none of them verifies. */
const algorithmText = ({ algorithm, isPresumed }: AdoptableKey): string =>
  isPresumed === true ? `${algorithm}, which the spec says and the key does not` : algorithm;

const alsoVerified = (n: number): string => (n === 0 ? "" : `, ${n} more ${n === 1 ? "key verifies" : "keys verify"}`);

/** What a step waits for, as a person says it: `propagation until 2026-11-21T10:42:00.000Z`. */
export function describeBlocker(
  blocker: Blocker,
  step: Step["type"],
  show: (ms: number) => string = formatInstant,
): string {
  switch (blocker.kind) {
    case "time":
      return `${timeText[blocker.of]} until ${show(blocker.untilMs)}`;
    case "gateway":
      return `${blocker.name} ${gatewayText(blocker, step)}`;
    case "projections":
      return "the signer object and the public object have not been read back yet";
    case "standby":
      return "the next key is not published yet";
    case "pinned":
      return "the signer is pinned";
    case "pinUnknown":
      return `the pinned key ${shortKid(blocker.kid)} is not in the ring`;
    case "pinCannotSign":
      return `the private half of the pinned key ${shortKid(blocker.kid)} is gone`;
    case "adoption":
      return "the first rotation after an adoption must be requested";
    case "keyLimit":
      return "the ring is full; the next old key must be pruned first";
    case "suspended":
      return "the rotation is suspended";
    case "refused":
      return "what is wrong must be mended first";
    case "clock":
      return "the clock is not to be trusted";
    case "conflict":
      return `the ${blocker.object} object is not Keyturn's`;
    default:
      return blocker satisfies never;
  }
}

const timeText = {
  schedule: "the schedule",
  propagation: "propagation",
  rotationWindow: "the rotation window",
  rollbackWindow: "the rollback window",
};

function gatewayText({ ack }: Extract<Blocker, { kind: "gateway" }>, step: Step["type"]): string {
  if (!ack) return "has not acknowledged";
  if (ack.generation === 0) return "is starting";
  if (step === "quiesce" || step === "prune")
    return `may still sign with it (its ring is of generation ${ack.generation})`;
  return `does not accept the key yet (its ring is of generation ${ack.generation})`;
}

/** More names than this help nobody, and a status has room for so much text only. */
export const mostNamed = 10;

/** All that a gate waits for, in one line; of many gateways the first ten by name. */
export function describeGate({ step, waitsFor }: Gate, show?: (ms: number) => string): string {
  const named = waitsFor.slice(0, mostNamed).map((b) => describeBlocker(b, step, show));
  const more = waitsFor.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}
