import fc from "fast-check";
import { expect, test } from "vitest";
import { authorizationIn } from "../../../../src/gateway/faces/grpc/check-request.ts";
import { WireError } from "../../../../src/grpc/wire-fields.ts";
import type { CheckRequest, HeaderValue } from "../../support/envoy-messages.ts";
import { bytesOf } from "../../support/grpc.ts";

const bytes = fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all));
const header: fc.Arbitrary<HeaderValue> = fc.record(
  {
    key: fc.constantFrom("authorization", "Authorization", "AUTHORIZATION", "authorizatiom", "proxy-authorization", ""),
    value: fc.string({ unit: "grapheme", maxLength: 200 }),
    rawValue: bytes,
  },
  { requiredKeys: [] },
);
const headers = fc.array(header, { maxLength: 5 });
const request = fc.record({ headers, headerMap: fc.record({ headers }, { requiredKeys: [] }) }, { requiredKeys: [] });
const asked = (http: typeof request extends fc.Arbitrary<infer T> ? T : never): CheckRequest => ({
  attributes: { request: { http } },
});

/** What the library that wrote the message would say is in it. */
function expected({ attributes }: CheckRequest): string[] {
  const { headers = [], headerMap } = attributes?.request?.http ?? {};
  return [...headers, ...(headerMap?.headers ?? [])]
    .filter(({ key = "" }) => key.toLowerCase() === "authorization")
    .flatMap(({ value, rawValue }) => ["authorization", value ?? rawValue?.toString("latin1") ?? ""]);
}

test("authorizationIn finds in what another library wrote each Authorization header, in order, and no other", () => {
  fc.assert(
    fc.property(request, (http) => {
      expect(authorizationIn(bytesOf(asked(http)))).toEqual(expected(asked(http)));
    }),
  );
});

test("authorizationIn takes both headers of a message that has its fields twice, so that neither hides the other", () => {
  const one = (value: string): Buffer => bytesOf(asked({ headers: [{ key: "authorization", value }] }));
  expect(authorizationIn(Buffer.concat([one("a"), one("b")]))).toEqual(["authorization", "a", "authorization", "b"]);
});

test("authorizationIn takes the last key and value of a header that has several, as protobuf has it", () => {
  const entry = Buffer.from("0a0161" + "0a0d617574686f72697a6174696f6e" + "120178" + "120179", "hex");
  const wrap = (id: number, inner: Buffer): Buffer => Buffer.concat([Buffer.from([id * 8 + 2, inner.length]), inner]);
  expect(authorizationIn(wrap(1, wrap(4, wrap(2, wrap(3, entry)))))).toEqual(["authorization", "y"]);
});

test("authorizationIn reads altered messages to their end, or refuses them, and makes nothing up", () => {
  const altered = fc.tuple(request, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }));
  fc.assert(
    fc.property(altered, ([http, changes]) => {
      const message = bytesOf(asked(http));
      if (message.length === 0) return;
      for (const [at, byte] of changes) message[at % message.length] = byte;
      try {
        const found = authorizationIn(message);
        for (let index = 1; index < found.length; index += 2) {
          const value = found[index] ?? "";
          // What is no UTF-8 has been replaced
          if (!value.includes("\ufffd")) {
            expect([message.includes(value), message.includes(value, 0, "latin1")]).toContain(true);
          }
        }
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    }),
  );
});
