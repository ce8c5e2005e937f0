import { expect, test } from "vitest";
import { compileRing } from "../../src/jwt/verifier.ts";
import type { SessionObserver } from "../../src/sessions/session-observer.ts";
import { SessionService } from "../../src/sessions/session-service.ts";
import { opened } from "../gateway/support/rings.ts";
import { tokenOf } from "../gateway/support/tokens.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { epoch } from "../support/story.ts";
import { rules } from "./core/support/registry.ts";
import { PipedClient } from "./support/pipe.ts";

const alice = { subject: "alice", instanceId: "one" };
const message = (id: string) => ({ id, payload: new Uint8Array(1) });

function observed() {
  const seen: unknown[] = [];
  const note =
    (what: keyof SessionObserver) =>
    (...told: unknown[]): void =>
      void seen.push([what, ...told]);
  const clock = new FakeClock(epoch);
  const verifier = compileRing(opened({ generation: 1 }));
  let count = 0;
  const service = new SessionService({
    ...{ clock, rules, required: {}, chance: () => 0.5, newId: () => `s${++count}` },
    verifier: () => verifier,
    application: { deliver: () => undefined, tell: () => undefined },
    timings: { helloMs: 5000, heartbeatMs: 15_000 },
    observer: {
      ...{
        opened: note("opened"),
        renewed: note("renewed"),
        moved: note("moved"),
        ended: note("ended"),
        refused: note("refused"),
      },
      ...{ takenOver: note("takenOver"), delivered: note("delivered"), redelivered: note("redelivered") },
      ...{ answered: note("answered") },
    },
  });
  const token = (seconds: number): string => {
    const iat = Math.floor(clock.nowMs() / 1000);
    return tokenOf({ nowMs: clock.nowMs(), claims: { iat, exp: iat + seconds } });
  };
  return { clock, service, seen, token, client: (seconds = 60) => new PipedClient(service, token(seconds)) };
}

test("SessionObserver hears how a session began and ended, and how long it lived past its token", async () => {
  const { clock, service, seen, token, client } = observed();
  const first = client().hello();
  service.renew("s1", token(80));
  const second = client(30).hello({ sessionId: "s1", received: 0 });
  first.lost();
  await clock.advance(30_000);
  second.say({ kind: "heartbeat" });
  await clock.advance(25_000);
  expect(seen).toEqual([
    ["opened", "s1", "anew"],
    ["renewed"],
    ["opened", "s2", "resumed"],
    ["takenOver", "session", "resumed"],
    ["ended", { sessionId: "s1", code: "Superseded", pastExpiryMs: 0 }],
    ["ended", { sessionId: "s2", code: "Expired", pastExpiryMs: 25_000 }],
  ]);
});

test.each([
  [true, "Left"],
  [false, "Lost"],
])("SessionObserver hears of a connection that ended without a word (left: %s), once", (left, ending) => {
  const { seen, client } = observed();
  const one = client().hello();
  one.lost(left);
  one.lost(left);
  expect(seen).toEqual([
    ["opened", "s1", "anew"],
    ["ended", { sessionId: "s1", code: ending, pastExpiryMs: 0 }],
  ]);
});

test("SessionObserver hears the code of a session that broke the protocol, or fell silent in its grace", async () => {
  const { clock, seen, client } = observed();
  client().hello().say(undefined);
  client(30).hello(undefined, "two");
  await clock.advance(37_500);
  expect(seen).toEqual([
    ["opened", "s1", "anew"],
    ["ended", { sessionId: "s1", code: "BadMessage", pastExpiryMs: 0 }],
    ["opened", "s2", "anew"],
    ["ended", { sessionId: "s2", code: "Silent", pastExpiryMs: 7500 }],
  ]);
});

test("SessionObserver hears of each that was refused, as that alone", async () => {
  const { clock, service, seen, client } = observed();
  client(0);
  client();
  await clock.advance(5000);
  client().say(undefined);
  const early = client();
  client().lost();
  service.drain(0);
  early.hello();
  expect(seen).toEqual(["Expired", "NoHello", "BadMessage", "Draining"].map((code) => ["refused", code]));
});

test("SessionObserver hears of messages, each way", () => {
  const { service, seen, client } = observed();
  const one = client().hello();
  seen.length = 0;
  void service.send(alice, message("d1"));
  one.say({ kind: "received", seq: 1 });
  one.say({ kind: "message", message: { seq: 1, ...message("u1") } });
  void service.send({ subject: "bob", instanceId: "one" }, message("d2"));
  expect(seen).toEqual([["answered", "delivered"], ["delivered"], ["answered", "gone"]]);
});
