import { describe, expect, onTestFinished, test } from "vitest";
import { natsNeeds } from "../../../hack/nats.ts";
import type { SessionBus } from "../../../src/sessions/bus/session-bus.ts";
import { natsBus } from "../../../src/sessions/bus/nats/nats-bus.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { FakeNet } from "./support/fake-bus.ts";
import { answered, Cable, Nats, reconnected } from "./support/nats.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (answer: Uint8Array | undefined): string => (answer ? Buffer.from(answer).toString() : "nobody");

interface Ground {
  join(): Promise<{ readonly bus: SessionBus; cut(): void; heal(): void }>;
}

const connected = async (bus: SessionBus): Promise<void> => {
  if (!bus.isConnected) await reconnected(bus);
};

const fake = (): Promise<Ground> => {
  const net = new FakeNet();
  return Promise.resolve({
    join: () => {
      const bus = net.join();
      return Promise.resolve({ bus, cut: () => bus.cut(), heal: () => bus.heal() });
    },
  });
};

async function real(): Promise<Ground> {
  const nats = await Nats.started();
  return {
    join: async () => {
      const cable = await Cable.to(nats.port);
      const bus = natsBus({ servers: [cable.url], prefix: "test.sessions", clock: systemClock });
      onTestFinished(() => bus.close());
      await connected(bus);
      return { bus, cut: () => cable.cut(), heal: () => cable.heal() };
    },
  };
}

const grounds = [
  { name: "a fake", ground: fake, needs: () => undefined },
  { name: "NATS", ground: real, needs: natsNeeds },
];

/** The first answer. */
const asked = (bus: SessionBus, topic: string, word = bytes("word")): Promise<string> =>
  new Promise((resolve) => {
    const stop = bus.ask(topic, word, (answer) => {
      stop();
      resolve(textOf(answer));
    });
  });

/** All that it listens to is known: words of one connection come in order. */
const known = (bus: SessionBus): Promise<string> => asked(bus, "nobody");

describe.each(grounds)("SessionBus, $name", ({ ground, needs }) => {
  const two = async (context: { skip: (why: string) => void }) => {
    const missing = needs();
    if (missing !== undefined) context.skip(missing);
    const place = await ground();
    return [await place.join(), await place.join()] as const;
  };

  test("carries a word to whoever listens, and the answer back", async (context) => {
    const [one, other] = await two(context);
    other.bus.listen("a", (word, answer) => answer(bytes(`${textOf(word)} heard`)));
    await known(other.bus);
    expect(await asked(one.bus, "a")).toBe("word heard");
  });

  test("says at once that nobody listens: to that topic, any more, or but for oneself", async (context) => {
    const [one, other] = await two(context);
    one.bus.listen("a", (_, answer) => answer(bytes("own")));
    other.bus.listen("b", (_, answer) => answer(bytes("other")));
    other.bus.listen("a", () => undefined)();
    await known(other.bus);
    expect(await asked(other.bus, "b")).toBe("nobody");
    expect(await asked(one.bus, "c")).toBe("nobody");
  });

  test("carries each answer of each who listens, until the question is ended", async (context) => {
    const [one, other] = await two(context);
    for (const name of ["x", "y"]) {
      other.bus.listen("a", (_, answer) => {
        answer(bytes(`${name}1`));
        answer(bytes(`${name}2`));
      });
    }
    await known(other.bus);
    const heard: string[] = [];
    await new Promise<void>((resolve) => {
      const stop = one.bus.ask("a", bytes("word"), (answer) => {
        heard.push(textOf(answer));
        if (heard.length < 3) return;
        stop();
        resolve();
      });
    });
    // Of each in its order; between the two there is none
    const [ofX, ofY] = ["x", "y"].map((name) => heard.filter((one) => one.startsWith(name)));
    expect([ofX, ofY]).toEqual([["x1", "x2"].slice(0, ofX?.length), ["y1", "y2"].slice(0, ofY?.length)]);
    expect(Math.min(ofX?.length ?? 0, ofY?.length ?? 0)).toBe(1);
    expect(await asked(one.bus, "a")).toMatch(/^[xy]1$/);
    expect(heard).toHaveLength(3);
  });

  test("keeps the order of one replica's words", async (context) => {
    const [one, other] = await two(context);
    const heard: string[] = [];
    other.bus.listen("a", (word, answer) => {
      heard.push(textOf(word));
      if (heard.length === 100) answer(bytes("all"));
    });
    await known(other.bus);
    const words = Array.from({ length: 100 }, (_, n) => `w${n}`);
    const answers = words.map((word) => asked(one.bus, "a", bytes(word)));
    expect(await Promise.race(answers)).toBe("all");
    expect(heard).toEqual(words);
  });

  test("carries an answer that is longer than any message", async (context) => {
    const [one, other] = await two(context);
    const long = "0123456789".repeat(350_000);
    for (const half of [0, 1]) other.bus.listen("a", (_, answer) => answer(bytes(`${half}${long}`)));
    await known(other.bus);
    const heard: string[] = [];
    await new Promise<void>((resolve) => {
      one.bus.ask("a", bytes("word"), (answer) => {
        if (heard.push(textOf(answer)) === 2) resolve();
      });
    });
    expect(heard.toSorted().map((text) => [text[0], text.slice(1) === long])).toEqual([
      ["0", true],
      ["1", true],
    ]);
  });

  test("says nobody while it is away, and nothing of it comes later; then all is listened to again", async (context) => {
    const [one, other] = await two(context);
    const heard: string[] = [];
    other.bus.listen("a", (word, answer) => {
      heard.push(textOf(word));
      answer(bytes("heard"));
    });
    await known(other.bus);
    expect(await asked(one.bus, "a", bytes("before"))).toBe("heard");
    other.cut();
    await expect.poll(() => other.bus.isConnected).toBe(false);
    expect(await asked(other.bus, "a")).toBe("nobody");
    await answered(one.bus, ["a", "during"], undefined);
    const back = reconnected(other.bus);
    other.heal();
    await back;
    expect(await asked(one.bus, "a", bytes("after"))).toBe("heard");
    expect(heard).toEqual(["before", "after"]);
  });
});
