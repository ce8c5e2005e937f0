import { expect, test } from "vitest";
import { compileRing } from "../../src/jwt/verifier.ts";
import { SessionService } from "../../src/sessions/session-service.ts";
import { opened } from "../gateway/support/rings.ts";
import { tokenOf } from "../gateway/support/tokens.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { epoch } from "../support/story.ts";
import { rules } from "./core/support/registry.ts";
import { PipedClient } from "./support/pipe.ts";

test("SessionService ends any number of sessions in one tick, and tells everybody who waits", async () => {
  const clock = new FakeClock(epoch);
  const verifier = compileRing(opened({ generation: 1 }));
  let count = 0;
  const service = new SessionService({
    ...{ clock, required: {}, chance: () => 0.5, newId: () => `s${++count}`, verifier: () => verifier },
    rules: { ...rules, peersOfSubject: 6500, queueMessages: 64, totalBytes: 1_000_000 },
    application: { deliver: () => undefined, tell: () => undefined },
    timings: { helloMs: 5000, heartbeatMs: 15_000 },
  });
  const token = tokenOf({ nowMs: epoch, claims: { exp: epoch / 1000 + 60 } });
  const clients = Array.from({ length: 6500 }, (_, n) => new PipedClient(service, token).hello(undefined, `i${n}`));
  // More effects than a call takes arguments
  const sent = clients.flatMap((_, n) =>
    Array.from({ length: 20 }, (_, m) =>
      service.send({ subject: "alice", instanceId: `i${n}` }, { id: `d${m}`, payload: new Uint8Array(1) }),
    ),
  );
  service.revoke({ kind: "subject", value: "alice", atMs: epoch, endsAtMs: epoch + 60_000 });
  expect(new Set(clients.map(({ end }) => end?.code))).toEqual(new Set(["Revoked"]));
  expect(new Set(await Promise.all(sent))).toEqual(new Set(["gone"]));
  expect(service.size).toEqual({ open: 0, peers: 0, bytes: 0, remembered: 0 });
  expect(clock.waits).toEqual([]);
});
