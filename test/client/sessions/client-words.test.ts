import { join } from "node:path";
import { loadSync } from "@grpc/proto-loader";
import type { ServiceDefinition } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  frameInJson,
  frameInProtobuf,
  readRenewed,
  wordAsJson,
  wordAsProtobuf,
} from "../../../src/client/sessions/client-words.ts";
import { ProtobufMessage } from "../../../src/parse/protobuf.ts";
import { jsonFrame, readClientFrame, type ServerFrame } from "../../../src/sessions/protocol/session-frames.ts";
import { sessionMessages } from "../../../src/sessions/protocol/session-messages.ts";

const published = join(import.meta.dirname, "../../../proto/keyturn/sessions/v1/sessions.proto");
const { Connect, Renew } = loadSync(published, { longs: Number, defaults: false, oneofs: false })[
  "keyturn.sessions.v1.Sessions"
] as ServiceDefinition;
if (!Connect || !Renew) throw new Error("the published file lacks them");

const uint32 = fc.nat({ max: 0xffff_ffff });
const instant = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const name = fc.string({ minLength: 1, maxLength: 128, unit: "grapheme" });
const payload = fc.uint8Array({ maxLength: 300 });
const message = fc.record({ seq: fc.integer({ min: 1, max: 0xffff_ffff }), id: name, payload });
const received = fc.record({ seq: uint32 });

const words = fc.oneof(
  fc.record({ hello: fc.record({ instanceId: name }) }),
  fc.record({
    hello: fc.record({ instanceId: name, resume: fc.record({ sessionId: name, received: uint32 }) }),
  }),
  fc.record({ message }),
  fc.record({ received }),
  fc.constant({ heartbeat: {} }),
);

const renewed = fc.record({
  serverNowUnixMs: instant,
  sessionExpiresAtUnixMs: instant,
  reconnectBeforeUnixMs: instant,
  graceMs: uint32,
});
const accepted = fc
  .tuple(
    renewed,
    fc.record({
      ...{ sessionId: name, generation: uint32, heartbeatIntervalMs: uint32, resumed: fc.boolean() },
      ...{ received: uint32, queueMessages: uint32, queueBytes: uint32 },
    }),
  )
  .map(([terms, more]) => ({ ...terms, ...more }));
const closing = fc.record({ code: name, reason: name, retry: fc.boolean(), afterMs: uint32 });
const frames: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({ accepted }),
  fc.record({ message }),
  fc.record({ received }),
  fc.constant({ heartbeat: {} }),
  fc.record({ renewed }),
  fc.record({ closing }),
);

const bytesOf = (value: Uint8Array): Buffer => Buffer.from(value);
/** Payloads compare by their bytes, whatever they lie in. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, one: unknown) => {
      const data = typeof one === "object" && one !== null && "data" in one ? one.data : one;
      return data instanceof Uint8Array ? [...data] : data;
    }),
  );

describe("what the client says", () => {
  test("is read by whoever has the published file", () => {
    fc.assert(
      fc.property(words, (word) => {
        const read = Connect.requestDeserialize(bytesOf(wordAsProtobuf(word))) as object;
        expect(plain(readClientFrame(read))).toEqual(plain(readClientFrame(word)));
      }),
    );
  });

  test("is read by the gateway from JSON, also what has no ASCII in it and is as large as may be", () => {
    const check = (word: Parameters<typeof wordAsJson>[0]): void => {
      const read = readClientFrame(JSON.parse(wordAsJson(word)));
      expect(read).toBeDefined();
      expect(plain(read)).toEqual(plain(readClientFrame(word)));
    };
    fc.assert(fc.property(words, check));
    check({ message: { seq: 1, id: "a", payload: Uint8Array.from({ length: 65_536 }, (_, n) => n % 256) } });
  });
});

describe("what the gateway says", () => {
  test("is read from protobuf, as whoever has the published file writes it", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(plain(frameInProtobuf(Connect.responseSerialize(frame)))).toEqual(plain(frame));
      }),
    );
  });

  test("is read from JSON, as the gateway writes it", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(plain(frameInJson(jsonFrame(frame)))).toEqual(plain(frame));
      }),
    );
  });

  test("of a renewal in place, too", () => {
    fc.assert(
      fc.property(renewed, (terms) => {
        const read = new ProtobufMessage(sessionMessages, "Renewed").read(Renew.responseSerialize(terms));
        expect(readRenewed(read ?? {})).toEqual(terms);
      }),
    );
    const request = new ProtobufMessage(sessionMessages, "RenewRequest").write({ sessionId: "s1" });
    expect(Renew.requestDeserialize(bytesOf(request))).toEqual({ sessionId: "s1" });
  });

  test.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["nothing", "{}"],
    ["of a newer gateway", '{"sung":{"tune":1}}'],
    ["a message without a number", '{"message":{"id":"a"}}'],
    ["a payload that is no base64", '{"message":{"seq":1,"id":"a","payload":"*"}}'],
    ["accepted for no session", '{"accepted":{}}'],
  ])("is passed over where it is %s", (_, text) => {
    expect(frameInJson(text)).toBeUndefined();
  });

  test("is passed over where protobuf is cut off or has fields of a newer gateway", () => {
    fc.assert(
      fc.property(frames, fc.nat(), (frame, at) => {
        const whole = Connect.responseSerialize(frame);
        const part = whole.subarray(0, at % whole.length);
        expect(() => frameInProtobuf(part)).not.toThrow();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(() => frameInProtobuf(bytes)).not.toThrow();
      }),
    );
    // Field 15 of each kind, before a Received with field 9
    const newer = [
      [0x78, 1],
      [0x79, 0, 0, 0, 0, 0, 0, 0, 0],
      [0x7a, 1, 0],
      [0x7d, 0, 0, 0, 0],
      [0x1a, 4, 8, 7, 0x48, 1],
    ];
    expect(frameInProtobuf(Uint8Array.from(newer.flat()))).toEqual({ received: { seq: 7 } });
  });
});
