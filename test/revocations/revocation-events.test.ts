import { describe, expect, test } from "vitest";
import { RevocationEvents, type RevocationEvent } from "../../src/revocations/revocation-events.ts";
import { current, iso, revoked, startMs } from "./support/following.ts";

const read = (...chunks: readonly (string | Uint8Array)[]): readonly RevocationEvent[] => {
  const events = new RevocationEvents();
  return chunks.flatMap((chunk) => events.read(Buffer.from(chunk)));
};

const endsAt = iso(startMs + 3_600_000);
const said = { kind: "token", value: "a", at: iso(startMs), endsAt };

describe("RevocationEvents", () => {
  test.each(["grant", "token", "subject"])("reads a revocation of a %s", (kind) => {
    const revocation = { kind, value: "a", atMs: startMs, endsAtMs: startMs + 3_600_000 };
    expect(read(revoked(7, "a", { kind }))).toEqual([{ kind: "revoked", seq: 7, revocation }]);
  });

  test("reads the same wherever it is cut in two, within a character as well", () => {
    const bytes = Buffer.from(`:\n\n${revoked(1, "user:žluťoučký 🐴")}${current(1)}`);
    const whole = read(bytes);
    expect(whole).toHaveLength(2);
    for (let at = 1; at < bytes.length; at++) expect(read(bytes.subarray(0, at), bytes.subarray(at))).toEqual(whole);
  });

  test("passes over comments, and events of other names", () => {
    expect(read(":\n\n", "event: later\nid: 8\ndata: {}\n\n", current(9))).toEqual([{ kind: "current", seq: 9 }]);
  });

  test("tells of a kind that it does not know, so that what comes after is heard", () => {
    expect(read(revoked(1, "a", { kind: "key" })).concat(read(revoked(2, "b")))).toMatchObject([
      { kind: "unknown", seq: 1 },
      { kind: "revoked", seq: 2 },
    ]);
  });

  test.each([
    ["without an id", `data: ${JSON.stringify(said)}\n\n`, "without its seq"],
    ["with an id that is no number", `id: x\ndata: ${JSON.stringify(said)}\n\n`, "without its seq"],
    ["with an id beyond the safe integers", revoked(9_007_199_254_740_992, "a"), "without its seq"],
    ["that is no JSON", "id: 1\ndata: {\n\n", "without its kind"],
    ["without a value", revoked(1, "a", { value: undefined }), "without its kind"],
    ["with an instant that is none", revoked(1, "a", { endsAt: "tomorrow" }), "without its kind"],
    ["that never ends", `data: ${"x".repeat(16_400)}`, "16 KiB"],
  ])("refuses an event %s, and quotes nothing of it", (_, text, problem) => {
    expect(() => read(text)).toThrow(problem);
    expect(() => read(text)).not.toThrow(/tomorrow|xxx/);
  });
});
