import fc from "fast-check";
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { IdentitySpec } from "../../../src/agent/agent-spec.ts";
import { isSameSpec, purposeOf } from "../../../src/agent/identities/same-spec.ts";
import type { AgentIdentity } from "../../../src/agent/agent-identities.ts";
import type { OpenIdentities } from "../../../src/agent/identities/identities-options.ts";
import { tempDir } from "../../files/temp.ts";
import { minuteMs } from "../../identity/support/pairs.ts";
import { identitySpec } from "../support/memory-identities.ts";
import { AgentScene, specOf } from "./support/agent-scene.ts";

const names = ["a", "b", "c", "d"] as const;

/** What an identity may be like: for one of two audiences, in one of two places. */
const variants = fc.record({
  name: fc.constantFrom(...names),
  audience: fc.constantFrom("one", "two"),
  isMoved: fc.boolean(),
});

const specFrom = ({ name, audience, isMoved }: { name: string; audience: string; isMoved: boolean }): IdentitySpec =>
  identitySpec(name, {
    request: { audiences: [audience], scopes: [] },
    sinks: [{ kind: "file", path: `/run/${name}${isMoved ? "-moved" : ""}`, format: "token", mode: 0o600 }],
  });

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("apply" as const),
      all: fc.uniqueArray(variants, { selector: ({ name }) => name }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("register" as const), one: variants }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("unregister" as const), name: fc.constantFrom(...names) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("restart" as const), isOrderly: fc.boolean(), isBusy: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "time" as const }) },
);

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

const filesOf = async (dir: string): Promise<readonly string[]> =>
  (await readdir(dir)).filter((name) => name.endsWith(".json")).sort();

const filesFor = (names_: Iterable<string>): readonly string[] => [...names_].sort().map((name) => `${name}.json`);

/** An agent, and what must be so, told in the simplest words: two maps. */
class History {
  readonly #scene = new AgentScene();
  #file = new Map<string, IdentitySpec>();
  readonly #registered = new Map<string, IdentitySpec>();
  #identities: OpenIdentities | undefined;

  get #now(): OpenIdentities {
    if (this.#identities) return this.#identities;
    throw new Error("begin first");
  }

  get #wanted(): ReadonlyMap<string, IdentitySpec> {
    return new Map([...[...this.#registered, ...this.#file].sort()]);
  }

  async begin(): Promise<void> {
    this.#scene.stateDir = await tempDir();
    this.#identities = await this.#scene.openUnowned([]);
  }

  close(): Promise<void> {
    return this.#now.close();
  }

  async take(one: Step): Promise<void> {
    const wanted = this.#wanted;
    const before = new Map(this.#now.all().map((identity) => [identity.spec.name, identity]));
    const tokens = new Map<string, string>();
    for (const [name, identity] of before) tokens.set(name, (await identity.token()).tokenId);
    await this.#do(one);
    await this.#scene.settle(this.#now);
    expect(this.#now.all().map(({ spec }) => spec)).toEqual([...this.#wanted.values()]);
    for (const identity of this.#now.all()) {
      const { name } = identity.spec;
      const was = wanted.get(name);
      expect(identity.status().origin).toBe(this.#file.has(name) ? "file" : "registered");
      const isForTheSame = was !== undefined && purposeOf(was) === purposeOf(identity.spec);
      const isRenewed = one.kind === "time" || (one.kind === "restart" && one.isBusy);
      // Nobody's token is another one for what happened to others, nor for what changed beside its purpose
      if (isForTheSame && !isRenewed) expect((await identity.token()).tokenId).toBe(tokens.get(name));
      if (was === identity.spec && one.kind !== "restart") expect(identity).toBe(before.get(name));
    }
    await this.#checkWhatLiesAround();
  }

  async #do(one: Step): Promise<void> {
    switch (one.kind) {
      case "apply":
        this.#file = new Map(one.all.map((variant) => [variant.name, specFrom(variant)]));
        for (const name of this.#file.keys()) this.#registered.delete(name);
        return this.#now.apply(specOf([...this.#file.values()]));
      case "register":
        return this.#register(specFrom(one.one));
      case "unregister":
        return this.#unregister(one.name);
      case "restart":
        // In the midst of renewals
        if (one.isBusy) await this.#scene.clock.advance(50 * minuteMs);
        await (one.isOrderly ? this.#now.close() : this.#scene.crash(this.#now, await tempDir()));
        this.#identities = await this.#scene.openUnowned([...this.#file.values()]);
        return;
      case "time":
        return this.#scene.clock.advance(50 * minuteMs);
      default:
        return one satisfies never;
    }
  }

  async #register(spec: IdentitySpec): Promise<void> {
    if (this.#file.has(spec.name)) {
      await expect(this.#now.register(spec)).rejects.toMatchObject({ code: "NameTaken" });
      return;
    }
    const before = this.#registered.get(spec.name);
    if (before === undefined || !isSameSpec(before, spec)) this.#registered.set(spec.name, spec);
    const identity: AgentIdentity = await this.#now.register(spec);
    expect(this.#now.find(spec.name)).toBe(identity);
  }

  async #unregister(name: string): Promise<void> {
    if (this.#file.has(name)) await expect(this.#now.unregister(name)).rejects.toMatchObject({ code: "InFile" });
    else expect(await this.#now.unregister(name)).toBe(this.#registered.delete(name));
  }

  async #checkWhatLiesAround(): Promise<void> {
    const { places, stateDir = "", clock } = this.#scene;
    const all = this.#now.all();
    const lying: [string, string][] = [];
    for (const one of all) {
      for (const { path } of one.spec.sinks) lying.push([path, (await one.token()).tokenId]);
    }
    expect([...places.texts].sort()).toEqual(lying.sort());
    expect(await filesOf(`${stateDir}/identities`)).toEqual(filesFor(this.#wanted.keys()));
    expect(await filesOf(`${stateDir}/registered`)).toEqual(filesFor(this.#registered.keys()));
    expect(clock.waits.length).toBe(all.length > 0 ? 1 : 0);
  }

  /** Each refresh token is good for one renewal. */
  checkWhatWasAsked(): void {
    const shown = this.#scene.issuer.asked.filter((line) => line.includes("refresh"));
    expect(new Set(shown).size).toBe(shown.length);
  }
}

describe("any history of an agent's identities", () => {
  it("leaves those that there should be, with their pairs and places, and nothing else", { timeout: 300_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const history = new History();
        await history.begin();
        try {
          for (const one of steps) await history.take(one);
          const isCut = steps.some((one) => one.kind === "restart" && !one.isOrderly && one.isBusy);
          // After a crash a lost answer is asked for again
          if (!isCut) history.checkWhatWasAsked();
        } finally {
          await history.close();
        }
      }),
      { numRuns: Number(process.env["KEYTURN_RUNS"] ?? 60) },
    ),
  );
});
