import { type GatewayView, hasPromised } from "../ack.ts";
import { thumbprintOf, type Key, type Kid, type Profile, type VerifyOnlyKey } from "../key.ts";
import type { Blocker, Gate, PlanInput, Projection, Step } from "../plan.ts";
import { handledLimit, keysOf, type Ring } from "../ring.ts";

/** What a rule looks at: the input, and the ring as the steps before have left it. */
export interface RuleContext {
  readonly input: PlanInput;
  readonly ring: Ring;
}

/** A rule names the next step, or what that step waits for, or nothing. */
export type RuleResult = Step | Gate;
export type Rule = (context: RuleContext) => RuleResult | readonly RuleResult[] | undefined;

export const isStep = (decision: RuleResult): decision is Step => "type" in decision;

// --- requests and pins ------------------------------------------------------------------------

export const openRequests = ({ input, ring }: RuleContext): readonly string[] =>
  input.requests.filter((r) => !ring.handledRequests.includes(r));

/** The list after these requests were done. The current value of each origin is never evicted, else it would count as new. */
export function handledAfter({ input, ring }: RuleContext, done: readonly string[]): readonly string[] {
  const all = [...ring.handledRequests, ...done];
  const current = all.filter((r) => input.requests.includes(r));
  const others = all.filter((r) => !input.requests.includes(r));
  const room = Math.max(0, handledLimit - current.length);
  return all.filter((r) => current.includes(r) || others.slice(Math.max(0, others.length - room)).includes(r));
}

/** Why this key must go at once, under whatever kid it was revoked; undefined when it need not. */
export function condemned(
  { input: { policy }, ring }: RuleContext,
  key: Key,
): { readonly reason?: string } | undefined {
  const named = [...policy.revokedKids, ...ring.revoked].find(
    (r) => r.kid === key.kid || thumbprintOf(r) === thumbprintOf(key),
  );
  if (named) return named.reason === undefined ? {} : { reason: named.reason };
  const cutoff = ring.revokedBefore?.effectiveMs;
  return cutoff !== undefined && key.createdAtMs < cutoff
    ? { reason: "created before the revocation instant" }
    : undefined;
}

/** The pin that counts: revocation wins over a pin, and a signer whose private half is lost can't be held. */
export function effectivePin(context: RuleContext): Kid | undefined {
  const {
    input: { policy },
    ring,
  } = context;
  const { pinnedKid } = policy;
  if (pinnedKid === undefined || (pinnedKid === ring.signer.kid && !ring.signer.canSign)) return undefined;
  if ([...policy.revokedKids, ...ring.revoked].some((r) => r.kid === pinnedKid)) return undefined;
  const key = keysOf(ring).find((k) => k.kid === pinnedKid);
  return key && condemned(context, key) ? undefined : pinnedKid;
}

/** May this key sign under the policy? A shorter maxTTL is a cap at minting, not a new profile. */
export function serves(key: Key, want: Profile, modulusBits: number | undefined): boolean {
  const { algorithm, issuer, audiences, maxTTLMs } = key.profile;
  return (
    algorithm === want.algorithm &&
    issuer === want.issuer &&
    maxTTLMs >= want.maxTTLMs &&
    [...audiences].sort().join("\n") === [...want.audiences].sort().join("\n") &&
    (modulusBits === undefined || key.modulusBits === modulusBits)
  );
}

// --- barriers ---------------------------------------------------------------------------------

/** The gateways whose word counts. Acknowledgements ignored means that none is expected: one rule, not two. */
const expected = ({ input: { policy, gateways } }: RuleContext): readonly GatewayView[] =>
  policy.acknowledgements === "Ignored" ? [] : gateways;

const waitFor = (gateways: readonly GatewayView[]): readonly Blocker[] =>
  gateways.map(({ ready: _ready, ...gateway }) => ({ kind: "gateway", ...gateway }));

/** The expected gateways that don't accept the kid yet. */
export const notAccepting = (context: RuleContext, kid: Kid): readonly Blocker[] =>
  waitFor(expected(context).filter((g) => !hasPromised(g) && !acceptsNow(g, kid)));

/** Generation 0 says "starting", whatever else stands in the ack. */
const acceptsNow = ({ ack }: GatewayView, kid: Kid): boolean =>
  ack !== undefined && ack.generation > 0 && ack.verifies.includes(kid);

/** The expected gateways that may still sign with a demoted key: an ack older than the demotion proves nothing. */
export const maybeSigning = (context: RuleContext, key: VerifyOnlyKey): readonly Blocker[] =>
  waitFor(
    expected(context).filter(({ ack }) => !ack || ack.generation < key.demotedInGeneration || ack.signs === key.kid),
  );

/** The expected gateways that say that they sign with the kid. */
export const signingNow = (context: RuleContext, kid: Kid): readonly Blocker[] =>
  waitFor(expected(context).filter(({ ack }) => ack?.signs === kid));

/** Empty once both projections, read live, fit. */
export function projectionsLack(
  { input: { stored } }: RuleContext,
  fits: (p: Projection) => boolean,
): readonly Blocker[] {
  const found = stored.kind === "ring" ? [stored.projections.signer, stored.projections.public] : [undefined];
  return found.every((p) => p !== undefined && fits(p)) ? [] : [{ kind: "projections" }];
}

/** Empty once the instant has come. */
export const until = (
  untilMs: number,
  of: Extract<Blocker, { kind: "time" }>["of"],
  { input: { nowMs } }: RuleContext,
): readonly Blocker[] => (untilMs <= nowMs ? [] : [{ kind: "time", untilMs, of }]);
