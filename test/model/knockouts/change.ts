import type { Ack, GatewayView } from "../../../src/ring/ack.ts";
import type { Key } from "../../../src/ring/key.ts";
import type { PlanInput, Projection } from "../../../src/ring/plan.ts";
import { rotationRules } from "../../../src/ring/planner.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import type { Rule } from "../../../src/ring/rules/context.ts";
import { omit } from "../world/omit.ts";

export type Rules = typeof rotationRules;

/** The rules with one of them changed, by the name of its function. The rule that lets old keys go is the last. */
export function withRule(name: string, change: (rule: Rule) => Rule, from: Rules = rotationRules): Rules {
  const isIt = (rule: Rule): boolean =>
    rule.name === name || (name === "retire" && rule === rotationRules.ordinary.at(-1));
  const { emergency, ordinary } = from;
  if (![...emergency, ...ordinary].some(isIt))
    throw new TypeError(`Cannot knock out "${name}": the planner has no such rule`);
  const changed = (rule: Rule): Rule => (isIt(rule) ? change(rule) : rule);
  return { emergency: emergency.map(changed), ordinary: ordinary.map(changed) };
}

/** The rule looks at another input. */
export const seeing = (name: string, change: (input: PlanInput) => PlanInput, from?: Rules): Rules =>
  withRule(
    name,
    (rule) =>
      ({ input, ring }) =>
        rule({ input: change(input), ring }),
    from,
  );

/** Publishing and activation both look at another input. */
export const seeingForActivation = (change: (input: PlanInput) => PlanInput): Rules =>
  withRule(
    "activate",
    (rule) =>
      ({ input, ring }) =>
        rule({ input: change(input), ring }),
    seeing("publish", change),
  );

/** The rule looks at other facts of the keys. */
export const seeingKeys = (name: string, change: <K extends Key>(key: K) => K): Rules =>
  withRule(
    name,
    (rule) =>
      ({ input, ring }) =>
        rule({ input, ring: mapKeys(ring, change) }),
  );

export const mapKeys = (ring: Ring, change: <K extends Key>(key: K) => K): Ring => ({
  ...ring,
  signer: change(ring.signer),
  ...(ring.standby && { standby: change(ring.standby) }),
  retiring: ring.retiring.map(change),
});

export const withoutGateways = (input: PlanInput): PlanInput => ({ ...input, gateways: [] });

export const withoutPin = (input: PlanInput): PlanInput => ({ ...input, policy: omit(input.policy, "pinnedKid") });

export const withAcks =
  (change: (ack: Ack, gateway: GatewayView) => Ack) =>
  (input: PlanInput): PlanInput => ({
    ...input,
    gateways: input.gateways.map((g) => (g.ack ? { ...g, ack: change(g.ack, g) } : g)),
  });

/** The projections always seem to show everything. */
export function withoutProjections(input: PlanInput): PlanInput {
  if (input.stored.kind !== "ring") return input;
  const { ring } = input.stored;
  const kids = [ring.signer, ...(ring.standby ? [ring.standby] : []), ...ring.retiring].map((k) => k.kid);
  const all: Projection = { generation: Infinity, kids };
  return { ...input, stored: { ...input.stored, projections: { signer: all, public: all } } };
}
