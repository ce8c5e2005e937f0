import { describe, expect, it } from "vitest";
import type { SinkFormat } from "../../../src/agent/agent-spec.ts";
import { looksLikeToken, tokenText } from "../../../src/agent/sinks/token-text.ts";

const token = { accessToken: "aa.bb.c-_", tokenId: "id", expiresAtMs: Date.UTC(2026, 10, 30, 12) };
const endless = { accessToken: "aa.bb.c-_", tokenId: "id" };
const formats: readonly SinkFormat[] = ["token", "json", "header"];

describe("tokenText", () => {
  it.each<[SinkFormat, string]>([
    ["token", "aa.bb.c-_"],
    ["json", '{"accessToken":"aa.bb.c-_","expiresAt":"2026-11-30T12:00:00.000Z"}\n'],
    ["header", "Authorization: Bearer aa.bb.c-_\n"],
  ])("is the whole of a file of the format %s", (format, text) => {
    expect(tokenText(format, token)).toBe(text);
  });

  it("says no end where none is known", () => {
    expect(tokenText("json", endless)).toBe('{"accessToken":"aa.bb.c-_"}\n');
  });

  it("never has more than token and end, whatever comes along", () => {
    const more = { ...token, refreshToken: "secret" };
    for (const format of formats) expect(tokenText(format, more)).not.toContain("secret");
  });
});

describe("looksLikeToken", () => {
  it("knows each text in its own format alone", () => {
    const known = formats.map((format) => formats.map((other) => looksLikeToken(other, tokenText(format, token))));
    expect(known).toEqual([
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ]);
    expect(looksLikeToken("json", tokenText("json", endless))).toBe(true);
  });

  it.each(["", "a host.name.example", "aa.bb", "aa.bb.cc.dd", "aa.bb.cc\n", "aa.bb.cc\nroot:x:0:0"])(
    "knows nothing of what somebody else wrote: %j",
    (text) => {
      for (const format of formats) expect(looksLikeToken(format, text)).toBe(false);
    },
  );
});
