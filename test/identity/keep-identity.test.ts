import { describe, expect, it } from "vitest";
import { ChangeNeededError, TryLaterError } from "../../src/errors/keyturn-error.ts";
import { keepIdentity, type IdentityOptions } from "../../src/identity/keep-identity.ts";
import type { KeptIdentity } from "../../src/identity/kept-identity.ts";
import { pairInMemory, type PairStore } from "../../src/identity/store/pair-store.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";
import { dayMs, heldPair, hourMs, minuteMs, secondMs, startMs } from "./support/pairs.ts";
import { ScriptedIssuer } from "./support/scripted-issuer.ts";
import { away, denied } from "./support/story.ts";

class Scene {
  readonly clock = new FakeClock(startMs);
  readonly issuer = new ScriptedIssuer();
  readonly heard: string[] = [];
  store: PairStore = pairInMemory();

  begin(more: Partial<IdentityOptions> = {}): Promise<KeptIdentity> {
    const { clock, issuer, store } = this;
    return keepIdentity({
      ...{ clock, issuer, store, chance: () => 0 },
      onChange: (news) => this.heard.push(news.kind === "renewed" ? news.pair.tokenId : news.trouble.code),
      ...more,
    });
  }

  /** One that holds the first pair. */
  async running(more: Partial<IdentityOptions> = {}): Promise<KeptIdentity> {
    const beginning = this.begin(more);
    await this.issuer.asked(this.issuer.shown.length + 1);
    this.issuer.answer(1);
    return beginning;
  }

  async after(ms: number, shown: number): Promise<void> {
    await this.clock.advance(ms);
    await this.issuer.asked(shown);
  }
}

const idOf = async (token: Promise<{ tokenId: string } | undefined>): Promise<string | undefined> =>
  (await token)?.tokenId;

describe("keepIdentity", () => {
  it("begins with the first credential, and keeps the pair", async () => {
    const scene = new Scene();
    const identity = await scene.running();
    expect(await identity.token()).toMatchObject({ tokenId: "id-1", expiresAtMs: startMs + hourMs });
    expect(await scene.store.read()).toMatchObject({ serial: 1 });
    expect(scene.issuer.shown).toEqual([{ kind: "first" }]);
  });

  it("does not begin where nobody gives a token, unless it may", async () => {
    const scene = new Scene();
    const beginning = scene.begin();
    await scene.issuer.asked(1);
    scene.issuer.answer(away());
    await expect(beginning).rejects.toBeInstanceOf(TryLaterError);
    expect(scene.clock.waits).toEqual([]);

    const without = scene.begin({ startWithout: true });
    await scene.issuer.asked(2);
    scene.issuer.answer(denied());
    const identity = await without;
    await expect(identity.token()).rejects.toBeInstanceOf(ChangeNeededError);
    expect(identity.status()).toMatchObject({ failures: 1, trouble: { code: "revoked", isFinal: true } });
  });

  it("begins with what the store has, though the issuer is away, while that is good", async () => {
    const scene = new Scene();
    await scene.store.write(heldPair(1, { ageMs: 59 * minuteMs }));
    const beginning = scene.begin();
    await scene.issuer.asked(1);
    scene.issuer.answer(away());
    expect(await idOf((await beginning).token())).toBe("id-1");
  });

  it("does not begin on a store that can't be read", async () => {
    const scene = new Scene();
    scene.store = { ...pairInMemory(), read: () => Promise.reject(new ChangeNeededError("StateUnreadable", "torn")) };
    await expect(scene.begin()).rejects.toThrow("torn");
  });

  it("renews by the timer, for three lives, and tells each time", async () => {
    const scene = new Scene();
    const identity = await scene.running();
    for (let n = 2; n <= 4; n++) {
      await scene.after(48 * minuteMs, n);
      expect(await idOf(identity.token())).toBe(`id-${n - 1}`);
      scene.issuer.answer(n);
      await turn();
      expect(await idOf(identity.token())).toBe(`id-${n}`);
    }
    expect(scene.heard).toEqual(["id-1", "id-2", "id-3", "id-4"]);
    expect(scene.issuer.shown).toHaveLength(4);
  });

  it("asks once for a hundred who want a token that is about to end, and they all wait for it", async () => {
    const scene = new Scene();
    const identity = await scene.running({ keep: "onUse" });
    await scene.clock.advance(59.5 * minuteMs);
    const tokens = Array.from({ length: 100 }, () => identity.token());
    await scene.issuer.asked(2);
    scene.issuer.answer(2);
    expect(new Set((await Promise.all(tokens)).map(({ tokenId }) => tokenId))).toEqual(new Set(["id-2"]));
    expect(scene.issuer.shown).toHaveLength(2);
  });

  it("asks once for a hundred whose token was refused, and again for none", async () => {
    const scene = new Scene();
    const identity = await scene.running();
    await scene.clock.advance(2 * secondMs);
    const tokens = Array.from({ length: 100 }, () => identity.refused("id-1"));
    await scene.issuer.asked(2);
    scene.issuer.answer(2);
    expect(new Set((await Promise.all(tokens)).map((token) => token?.tokenId))).toEqual(new Set(["id-2"]));
    expect(await idOf(identity.refused("id-1"))).toBe("id-2");
    expect(await identity.refused("id-2")).toBeUndefined();
    expect(scene.issuer.shown).toHaveLength(2);
  });

  it("lets sleep one that is renewed on use, but for its refresh token", async () => {
    const scene = new Scene();
    await scene.running({ keep: "onUse" });
    await scene.clock.advance(0.8 * dayMs - secondMs);
    expect(scene.issuer.shown).toHaveLength(1);
    await scene.after(secondMs, 2);
  });

  it("by hand asks at once, past the back-off, and says what became of it", async () => {
    const scene = new Scene();
    const identity = await scene.running();
    const failing = identity.refresh();
    await scene.issuer.asked(2);
    scene.issuer.answer(away({ retryAfterMs: hourMs }));
    await expect(failing).rejects.toMatchObject({ code: "Unreachable" });
    const working = identity.refresh();
    await scene.issuer.asked(3);
    scene.issuer.answer(2);
    expect(await idOf(working)).toBe("id-2");
  });
});

describe("the effects of a kept identity", () => {
  it("come one after the other: what is slow is waited for, though a renewal begins meanwhile", async () => {
    const scene = new Scene();
    const inner = pairInMemory();
    const steps: string[] = [];
    const slowly = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
      steps.push(`${name} begins`);
      for (let n = 0; n < 5; n++) await turn();
      const result = await work();
      steps.push(`${name} ends`);
      return result;
    };
    scene.store = {
      ...inner,
      lock: () => slowly("lock", () => inner.lock()),
      write: (pair) => slowly("write", () => inner.write(pair)),
      unlock: () => slowly("unlock", () => inner.unlock()),
    };
    const identity = await scene.running();
    // The lock of the renewal before is being given back
    const renewing = identity.refresh();
    await scene.issuer.asked(2);
    scene.issuer.answer(2);
    await renewing;
    await identity.close();
    const once = ["lock begins", "lock ends", "write begins", "write ends", "unlock begins", "unlock ends"];
    expect(steps.slice(0, 12)).toEqual([...once, ...once]);
  });
});

describe("the clock of a kept identity", () => {
  it("is looked at every 30 s: a machine that slept renews at once", async () => {
    const scene = new Scene();
    await scene.running();
    expect(scene.clock.waits).toEqual([30 * secondMs]);
    scene.clock.setWall(startMs + dayMs);
    await scene.after(30 * secondMs, 2);
  });

  it("may be set back: the token is renewed when its time has come all the same", async () => {
    const scene = new Scene();
    const identity = await scene.running();
    await scene.clock.advance(10 * minuteMs);
    scene.clock.setWall(startMs - dayMs);
    await scene.clock.advance(38 * minuteMs - secondMs);
    expect(scene.issuer.shown).toHaveLength(1);
    await scene.after(31 * secondMs, 2);
    expect(identity.status().token?.expiresAtMs).toBeLessThan(startMs - dayMs + hourMs);
  });

  it("may be slewed back: only the sum shows it", async () => {
    const scene = new Scene();
    await scene.running();
    for (let n = 0; n < 80; n++) {
      await scene.clock.advance(30 * secondMs);
      // A tenth of a second each time: 8 s in all
      scene.clock.setWall(scene.clock.nowMs() - 100);
    }
    await scene.clock.advance(8 * minuteMs - 2 * secondMs);
    expect(scene.issuer.shown).toHaveLength(1);
    await scene.after(4 * secondMs, 2);
  });

  it("shows a new first credential soon after one was denied", async () => {
    const scene = new Scene();
    const beginning = scene.begin({ startWithout: true });
    await scene.issuer.asked(1);
    scene.issuer.answer(denied());
    const identity = await beginning;
    await scene.clock.advance(5 * minuteMs);
    expect(scene.issuer.shown).toHaveLength(1);
    scene.issuer.id = "credential 2";
    await scene.after(30 * secondMs, 2);
    scene.issuer.answer(1);
    await turn();
    expect(await idOf(identity.token())).toBe("id-1");
  });
});

describe("the end of a kept identity", () => {
  it("by close waits for what is under way, and keeps it", async () => {
    const scene = new Scene();
    const identity = await scene.running();
    const renewing = identity.refresh();
    await scene.issuer.asked(2);
    const closing = identity.close();
    await expect(renewing).rejects.toMatchObject({ code: "Closed" });
    scene.issuer.answer(2);
    await closing;
    expect(await scene.store.read()).toMatchObject({ serial: 2 });
    expect(scene.clock.waits).toEqual([]);
    await expect(identity.token()).rejects.toMatchObject({ code: "Closed" });
  });

  it("by forget in the middle of a renewal leaves nothing, and waits for nobody", async () => {
    const scene = new Scene();
    const identity = await scene.running();
    void identity.refresh().catch(() => undefined);
    await scene.issuer.asked(2);
    await identity.forget();
    expect(await scene.store.read()).toBeUndefined();
    expect(scene.clock.waits).toEqual([]);
    await identity.close();
  });
});
