import type { Ack, GatewayView } from "../../../src/ring/ack.ts";
import { decide, type Observation } from "../../../src/ring/decide.ts";
import type { Reading } from "../../../src/ring/found.ts";
import type { Kid } from "../../../src/ring/key.ts";
import type { Plan, PlanInput, Policy } from "../../../src/ring/plan.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { applyPlan, needsFreshKey } from "../../../src/ring/steps.ts";
import { epoch, policy } from "../../support/story.ts";
import type { Deed } from "./history.ts";

/** One write of the ring. */
export interface Write {
  readonly before: Ring | undefined;
  readonly input: PlanInput;
  readonly plan: Plan;
  readonly after: Ring;
}

interface Gateway {
  readonly name: string;
  ready: boolean;
  ring?: Ring;
  ack?: Ack;
}

export interface Token {
  readonly kid: Kid;
  readonly endsAtMs: number;
}

type GatewayDeed = Extract<Deed, { readonly gateway: number }>["do"];

const unpinned = ({ pinnedKid: _pin, ...others }: Policy): Policy => others;
const kidsOf = (ring: Ring): readonly Kid[] => keysOf(ring).map((k) => k.kid);

/** The three objects, gateways, one controller and one person, driven by deeds. Kids are k1, k2, … */
export class World {
  nowMs = epoch;
  policy: Policy = policy;
  clockTrusted = true;
  ring: Ring | undefined;
  signer: Ring | undefined;
  public: Ring | undefined;
  readonly writes: Write[] = [];
  readonly refused: string[] = [];
  readonly #requests = new Map<string, string>();
  #gateways: Gateway[] = [
    { name: "gw-1", ready: false },
    { name: "gw-2", ready: false },
  ];
  #tokens: readonly Token[] = [];
  #made = 0;
  #named = 2;

  get requests(): readonly string[] {
    return [...this.#requests].map(([origin, value]) => `${origin}:${value}`);
  }

  get gateways(): readonly GatewayView[] {
    return this.#gateways.map(({ name, ready, ack }) => ({ name, ready, ...(ack && { ack }) }));
  }

  observe(): Observation {
    const { policy, requests, gateways, clockTrusted, nowMs } = this;
    const seen = (ring: Ring | undefined): Reading =>
      ring ? { kind: "ring", ring, halves: kidsOf(ring) } : { kind: "absent" };
    const claims = gateways.flatMap(({ name, ack }) => (ack ? [{ by: name, generation: ack.generation }] : []));
    const found = { ring: seen(this.ring), signer: seen(this.signer), public: seen(this.public), claims, nowMs };
    // Whoever went back asks for a recovery at once
    const recovery = { alsoVerify: [] };
    return {
      rotation: { namespace: "n", name: "r" },
      policy,
      requests,
      gateways,
      clockTrusted,
      found: { ...found, recovery },
    };
  }

  /** Returns the plan, and what was written of it. */
  pass(crash: "no" | "afterRing" | "afterPublic" = "no"): Plan | undefined {
    const decision = decide(this.observe());
    if (decision.kind === "stalled") return undefined;
    const { plan, input } = decision;
    const kids = plan.steps.filter(needsFreshKey).map(() => `k${++this.#made}`);
    const after = applyPlan(this.ring, plan, kids);
    if (after && after !== this.ring) {
      this.writes.push({ before: this.ring, input, plan, after });
      this.ring = after;
    }
    if (crash === "afterRing") return plan;
    this.public = this.ring;
    if (crash === "no") this.signer = this.ring;
    return plan;
  }

  /** A gateway's start: generation 0 first, then the newest ring, and ready only if it still is the newest. */
  #start(gateway: Gateway): void {
    if (!this.signer || (gateway.ring && gateway.ring.generation > this.signer.generation)) return;
    Object.assign(gateway, { ring: this.signer, ready: true });
    this.#ackOf(gateway);
  }

  #ackOf(gateway: Gateway): void {
    const { ring } = gateway;
    if (ring) gateway.ack = { generation: ring.generation, verifies: kidsOf(ring), signs: ring.signer.kid };
  }

  #reload(gateway: Gateway): void {
    const newest = this.signer;
    if (!gateway.ready) this.#start(gateway);
    else if (newest && newest.generation > (gateway.ring?.generation ?? 0)) gateway.ring = newest;
  }

  /**
   * After a restored copy the ring may have grown to a generation that a gateway has from before, with other keys. It takes neither that nor what
   * follows (docs/design.md, section 8) until a person asks for a recovery: here it begins anew.
   */
  #leaveBranch(gateway: Gateway): void {
    const { ring } = gateway;
    const newest = this.signer;
    if (!ring || ring.generation !== newest?.generation || String(kidsOf(ring)) === String(kidsOf(newest))) return;
    Object.assign(gateway, { ready: false, ack: { generation: 0, verifies: [] } });
  }

  #mint({ ready, ring }: Gateway): void {
    if (!ready || !ring?.signer.canSign) return;
    const { kid, profile } = ring.signer;
    const ttlMs = Math.min(profile.maxTTLMs, ring.settings.mintMaxTTLMs);
    this.#tokens = [...this.#tokens, { kid, endsAtMs: this.nowMs + ttlMs }];
  }

  /** Every token is presented at every gateway at every moment. */
  present(): void {
    this.#tokens = this.#tokens.filter((t) => t.endsAtMs > this.nowMs);
    for (const { name, ready, ring } of this.#gateways) {
      if (!ready || !ring) continue;
      const known = new Set(kidsOf(ring));
      const lost = this.#tokens.find((t) => !known.has(t.kid));
      if (lost) this.refused.push(`${name} refuses a token of ${lost.kid}, which ends at ${lost.endsAtMs}`);
    }
  }

  #kid(at: number): Kid | undefined {
    const kids = this.ring ? kidsOf(this.ring) : [];
    return kids[at % Math.max(1, kids.length)];
  }

  happen(deed: Deed): void {
    this.#change(deed);
    this.present();
  }

  #change(deed: Deed): void {
    if (deed.do === "wait") this.nowMs += deed.ms;
    else if (deed.do === "pass") this.pass(deed.crash);
    else if (deed.do === "appear") this.#appear();
    else if ("gateway" in deed)
      this.#atGateway(deed.do, this.#gateways[deed.gateway % Math.max(1, this.#gateways.length)]);
    else this.#ask(deed);
  }

  #appear(): void {
    if (this.#gateways.length < 4) this.#gateways.push({ name: `gw-${++this.#named}`, ready: false });
  }

  #atGateway(what: GatewayDeed, gateway: Gateway | undefined): void {
    if (!gateway) return;
    if (what === "reload") this.#reload(gateway);
    else if (what === "ack" && gateway.ready) this.#ackOf(gateway);
    else if (what === "mint") this.#mint(gateway);
    else if (what === "restart") Object.assign(gateway, { ready: false, ack: { generation: 0, verifies: [] } });
    else if (what === "vanish") this.#gateways = this.#gateways.filter((g) => g !== gateway);
  }

  /** What people do. */
  #ask(deed: Exclude<Deed, { do: "wait" | "pass" | "appear" | GatewayDeed }>): void {
    switch (deed.do) {
      case "request":
        this.#requests.set(deed.origin, String(deed.value));
        return;
      case "edit":
        this.policy = { ...this.policy, ...deed.change };
        return;
      case "pin":
      case "revoke": {
        const kid = this.#kid(deed.key);
        if (kid === undefined) return;
        if (deed.do === "pin") this.policy = { ...this.policy, pinnedKid: kid };
        else this.policy = { ...this.policy, revokedKids: [...this.policy.revokedKids, { kid }] };
        return;
      }
      case "unpin":
        this.policy = unpinned(this.policy);
        return;
      case "revokeBefore":
        this.policy = { ...this.policy, revokeCreatedBeforeMs: this.nowMs + deed.fromNowMs };
        return;
      case "suspend":
        this.policy = { ...this.policy, suspend: deed.on };
        return;
      case "distrust":
        this.clockTrusted = !deed.on;
        return;
      case "lose":
        this[deed.object] = undefined;
        return;
      case "restore":
        this.ring = this.writes[deed.copy]?.after ?? this.ring;
        return;
      default:
        deed satisfies never;
    }
  }

  /** Faults stop, and everybody answers at once, for so long. */
  calm(forMs: number): void {
    this.policy = { ...unpinned(this.policy), suspend: false };
    this.clockTrusted = true;
    const endMs = this.nowMs + forMs;
    for (let passes = 0; passes < 2000; passes++) {
      const generation = this.ring?.generation;
      const plan = this.pass();
      for (const gateway of this.#gateways) {
        this.#leaveBranch(gateway);
        this.#reload(gateway);
        this.#ackOf(gateway);
      }
      this.present();
      const settled = plan?.steps.length === 0 && this.ring?.generation === generation;
      if (settled && this.nowMs >= endMs) return;
      if (settled) this.nowMs = Math.min(endMs, Math.max(plan.nextCheckAtMs, this.nowMs + 1));
    }
    throw new Error("Cannot calm the world: 2000 passes had steps");
  }
}

/** The world after a history. */
export function after(deeds: readonly Deed[]): World {
  const world = new World();
  world.pass();
  for (const deed of deeds) world.happen(deed);
  return world;
}
