import { publicObject, signerObject } from "../../../src/crypto/objects.ts";
import type { Keeper } from "../../../src/ring/keeper.ts";
import { realRing } from "../../support/keys.ts";
import { createHash } from "node:crypto";
import type { GatewayView } from "../../../src/ring/ack.ts";
import type { Observation } from "../../../src/ring/decide.ts";
import type { Found } from "../../../src/ring/found.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import type { Policy } from "../../../src/ring/plan.ts";
import type { Change } from "../../../src/ring/change.ts";
import type { RingHome } from "../../../src/keeper/home.ts";
import { Story } from "../../support/story.ts";

/** What the thumbprint of the story's key `k1` would be: 43 characters of base64url. */
export const kidOf = (name: string): string => createHash("sha256").update(name).digest("base64url");

/** The same value with each `k1`, `k2`, … of a story in the shape of a real kid. */
export const withKids = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replaceAll(/"(k\d+)"/g, (_, name: string) => JSON.stringify(kidOf(name)))) as T;

/** `k1` for its kid, anything else as it is. */
const nameOf = (kid: string): string =>
  Array.from({ length: 40 }, (_, n) => `k${n + 1}`).find((name) => kidOf(name) === kid) ?? kid;

/** A home whose rotation is a story with the real planner: what is asked for happens when time passes. */
export class StoryHome implements RingHome {
  readonly where = "directory /var/lib/keyturn";
  readonly story: Story;
  /** In the order in which they came. */
  readonly asked: Change[] = [];
  /** Replaces what was found. */
  found: Partial<Found> = {};
  /** What observing throws, once each. */
  readonly failures: Error[] = [];
  #waking: (() => void) | undefined;

  constructor(policy: Partial<Policy> = {}) {
    this.story = new Story(policy);
  }

  /** A ring that is published, with gateways that answer at once. */
  static settled(policy: Partial<Policy> = {}, gateways: readonly string[] = []): StoryHome {
    const home = new StoryHome(policy);
    home.story.gateways = gateways.map((name): GatewayView => ({ name, ready: true }));
    home.story.settle();
    return home;
  }

  get nowMs(): number {
    return this.story.nowMs;
  }

  /** Lets time pass, with a pass whenever one is due. */
  run(forMs: number): this {
    const before = this.story.stored;
    this.story.run(forMs);
    if (this.story.stored !== before) this.#waking?.();
    return this;
  }

  ring(): Ring {
    return withKids(this.story.ring);
  }

  /** What is written down, and not in force. */
  refused: Observation["refused"];

  async observe(): Promise<Observation> {
    const failure = this.failures.shift();
    if (failure) throw failure;
    const { rotation, policy, requests, gateways, clockTrusted } = this.story.input;
    const found = { ...this.#found(), ...this.found };
    const refused = this.refused && { refused: this.refused };
    return withKids({ rotation, policy, requests, gateways, clockTrusted, ...refused, found });
  }

  #found(): Found {
    const { stored, nowMs } = this.story;
    const times = { nowMs, waitsFromMs: nowMs };
    if (stored.kind !== "ring") {
      return { ring: { kind: "absent" }, signer: { kind: "absent" }, public: { kind: "absent" }, claims: [], ...times };
    }
    const halves = keysOf(stored.ring)
      .filter((k) => k.canSign)
      .map((k) => k.kid);
    const ring = { kind: "ring", ring: stored.ring, halves } as const;
    const { signer, public: open } = stored.projections;
    const read = (generation: number | undefined): Found["signer"] =>
      generation === undefined ? { kind: "absent" } : { ...ring, ring: { ...stored.ring, generation } };
    return { ring, signer: read(signer?.generation), public: read(open?.generation), claims: [], ...times };
  }

  async publicJwks(): Promise<string> {
    return '{"keys":[]}\n';
  }

  /** @default a process that acts */
  kept: Keeper = { kind: "acts", who: "process 4711 on host" };

  async keeper(): Promise<Keeper> {
    return this.kept;
  }

  /** Real keys, which are not the story's. */
  async keyRing(of: "signer" | "public"): Promise<string> {
    const { ring, materials } = realRing();
    return (of === "signer" ? signerObject : publicObject)(ring, materials)["keyring.json"] ?? "";
  }

  async change(change: Change): Promise<void> {
    this.asked.push(change);
    const { story } = this;
    const { policy } = story;
    switch (change.kind) {
      case "rotate":
        story.requests = [`override:${change.requestedAt}`];
        break;
      case "pin": {
        const others = Object.fromEntries(Object.entries(policy).filter(([name]) => name !== "pinnedKid")) as Policy;
        story.policy = change.kid === undefined ? others : { ...policy, pinnedKid: nameOf(change.kid) };
        break;
      }
      case "revoke":
        story.policy = {
          ...policy,
          revokedKids: [...policy.revokedKids, { kid: nameOf(change.kid), reason: change.reason }],
        };
        break;
      case "revokeCreatedBefore":
        story.policy = { ...policy, revokeCreatedBeforeMs: change.atMs };
        break;
      case "recover":
        this.found = {};
        break;
      default:
        change satisfies never;
    }
  }

  /** Yields after a `run` that changed the ring; ends with the signal. */
  async *changes(signal: AbortSignal): AsyncIterable<void> {
    const ended = new Promise<boolean>((resolve) => {
      signal.addEventListener("abort", () => {
        resolve(false);
      });
    });
    const change = (): Promise<boolean> =>
      new Promise((resolve) => {
        this.#waking = () => {
          resolve(true);
        };
      });
    while (await Promise.race([change(), ended])) yield;
  }
}
