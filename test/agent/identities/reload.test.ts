import { describe, expect, it } from "vitest";
import type { IdentitySpec } from "../../../src/agent/agent-spec.ts";
import { tempDir } from "../../files/temp.ts";
import { minuteMs, secondMs } from "../../identity/support/pairs.ts";
import { turn } from "../../support/fake-clock.ts";
import { identitySpec } from "../support/memory-identities.ts";
import { AgentScene, specOf } from "./support/agent-scene.ts";

const withFile = (name: string, more: Partial<IdentitySpec> = {}): IdentitySpec =>
  identitySpec(name, { sinks: [{ kind: "file", path: `/run/${name}`, format: "token", mode: 0o600 }], ...more });

describe("a reload", () => {
  it.each(["token", "refresh", "refused"] as const)(
    "answers whoever waits for %s of who is another one by now",
    async (what) => {
      const scene = new AgentScene();
      const identities = await scene.open([withFile("a")]);
      const held = Promise.withResolvers<undefined>();
      scene.issuer.hold = held.promise;
      await scene.clock.advance(59 * minuteMs + 30 * secondMs);
      const before = identities.find("a");
      const waiting = what === "refused" ? before?.refused("a-1") : before?.[what]();
      await expect.poll(() => scene.issuer.asked).toContain("a refresh 1");
      const applied = identities.apply(specOf([withFile("a", { sinks: withFile("b").sinks })]));
      await turn();
      held.resolve(undefined);
      expect(await waiting).toMatchObject({ tokenId: "a-2" });
      await applied;
    },
  );

  it("gives a place that a registered one has to the file, and back; and says so", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    let identities = await scene.openUnowned([]);
    await (await identities.register(withFile("guest"))).refresh();
    const inFile = withFile("a", { sinks: withFile("guest").sinks });
    const left = [
      {
        ...{ place: '"/run/guest"', goodUntilMs: Infinity },
        message: expect.stringContaining("another identity") as string,
      },
    ];
    const refreshed = async (): Promise<void> => {
      await identities.find("a")?.refresh();
      await identities.find("guest")?.refresh();
      expect(scene.places.texts.get("/run/guest")).toMatch(/^a-/);
      expect(identities.find("guest")?.status().sinkProblems).toEqual(left);
    };
    await identities.apply(specOf([inFile]));
    await refreshed();
    expect(scene.lines).toContainEqual({
      level: "warn",
      fields: { identity: "guest", place: '"/run/guest"', why: expect.stringContaining("the agent's file") as string },
      message: "a place has not got the new token",
    });
    await identities.close();
    identities = await scene.open([inFile]);
    await refreshed();
    await identities.apply(specOf([]));
    await expect.poll(() => scene.places.texts.get("/run/guest")).toMatch(/^guest-/);
    expect(identities.find("guest")?.status().sinkProblems).toEqual([]);
  });
});
