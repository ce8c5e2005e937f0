import fc from "fast-check";
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { IdentitySpec } from "../../../src/agent/agent-spec.ts";
import { purposeOf } from "../../../src/agent/identities/same-spec.ts";
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

/** What must be so, told in the simplest words: two maps. */
class Expected {
  file = new Map<string, IdentitySpec>();
  registered = new Map<string, IdentitySpec>();

  get all(): ReadonlyMap<string, IdentitySpec> {
    return new Map([...this.registered, ...this.file]);
  }
}

const filesOf = async (dir: string): Promise<readonly string[]> =>
  (await readdir(dir)).filter((name) => name.endsWith(".json")).sort();

describe("any history of an agent's identities", () => {
  it("leaves those that there should be, with their pairs and places, and nothing else", { timeout: 300_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const scene = new AgentScene();
        scene.stateDir = await tempDir();
        const expected = new Expected();
        let identities: OpenIdentities = await scene.openUnowned([]);
        try {
          for (const one of steps) {
            const before = new Map(identities.all().map((identity) => [identity.spec.name, identity]));
            const tokens = new Map<string, string>();
            for (const [name, identity] of before) tokens.set(name, (await identity.token()).tokenId);
            const wanted = expected.all;
            switch (one.kind) {
              case "apply":
                expected.file = new Map(one.all.map((variant) => [variant.name, specFrom(variant)]));
                for (const name of expected.file.keys()) expected.registered.delete(name);
                await identities.apply(specOf([...expected.file.values()]));
                break;
              case "register": {
                const spec = specFrom(one.one);
                if (expected.file.has(spec.name)) {
                  await expect(identities.register(spec)).rejects.toMatchObject({ code: "NameTaken" });
                } else {
                  expected.registered.set(spec.name, spec);
                  await identities.register(spec);
                }
                break;
              }
              case "unregister":
                if (expected.file.has(one.name)) {
                  await expect(identities.unregister(one.name)).rejects.toMatchObject({ code: "InFile" });
                } else {
                  expect(await identities.unregister(one.name)).toBe(expected.registered.delete(one.name));
                }
                break;
              case "restart":
                // In the midst of renewals
                if (one.isBusy) await scene.clock.advance(50 * minuteMs);
                await (one.isOrderly ? identities.close() : scene.crash(identities, await tempDir()));
                identities = await scene.openUnowned([...expected.file.values()]);
                break;
              case "time":
                await scene.clock.advance(50 * minuteMs);
                break;
              default:
                one satisfies never;
            }
            await scene.settle(identities);
            const dir = scene.stateDir;
            const all = identities.all();
            expect(all.map(({ spec }) => spec)).toEqual([...expected.all].sort().map(([, spec]) => spec));
            for (const identity of all) {
              const { name } = identity.spec;
              const token = await identity.token();
              expect(identity.status().origin).toBe(expected.file.has(name) ? "file" : "registered");
              const was = wanted.get(name);
              const isForTheSame = was !== undefined && purposeOf(was) === purposeOf(identity.spec);
              // Nobody's token is another one for what happened to others, nor for what changed beside its purpose
              const isRenewed = one.kind === "time" || (one.kind === "restart" && one.isBusy);
              if (isForTheSame && !isRenewed) expect(token.tokenId).toBe(tokens.get(name));
              if (was === identity.spec && one.kind !== "restart") expect(identity).toBe(before.get(name));
            }
            const places = new Map(all.flatMap(({ spec }) => spec.sinks.map(({ path }) => [path, spec.name] as const)));
            expect([...scene.places.texts.keys()].sort()).toEqual([...places.keys()].sort());
            for (const [path, name] of places) {
              expect(scene.places.texts.get(path)).toBe((await identities.find(name)?.token())?.tokenId);
            }
            expect(await filesOf(`${dir}/identities`)).toEqual(
              [...expected.all.keys()].sort().map((name) => `${name}.json`),
            );
            expect(await filesOf(`${dir}/registered`)).toEqual(
              [...expected.registered.keys()].sort().map((name) => `${name}.json`),
            );
            expect(scene.clock.waits.length).toBe(all.length > 0 ? 1 : 0);
          }
          // Each refresh token is good for one renewal: only after a crash one is shown again
          const shown = scene.issuer.asked.filter((line) => line.includes("refresh"));
          const crashes = steps.filter((one) => one.kind === "restart" && !one.isOrderly && one.isBusy).length;
          if (crashes === 0) expect(new Set(shown).size).toBe(shown.length);
        } finally {
          await identities.close();
        }
      }),
      { numRuns: Number(process.env["KEYTURN_RUNS"] ?? 60) },
    ),
  );
});
