import { describe, expect, it } from "vitest";
import type { IdentityEvent } from "../../../src/identity/machine/identity-state.ts";
import { answerTo, wakeAtMs } from "../../../src/identity/machine/wants.ts";
import { heldPair, issuedPair, jwtWith, minuteMs, secondMs, secretText, startMs } from "../support/pairs.ts";
import { Story } from "../support/story.ts";

const saved = { kind: "saved" } as const;
const locked = { kind: "locked" } as const;

describe("an issuer whose tokens have ended when they come", () => {
  it.each([
    ["expires_in 0", { expiresInSeconds: 0 }],
    ["an exp in the past", { accessToken: jwtWith({ jti: "id-9", exp: startMs / 1000 - 1 }) }],
  ])("counts a token with %s as a failure, with back-off, and tells nobody of it", (_, more) => {
    const { accessToken, refreshToken = "" } = issuedPair(9);
    const ended: IdentityEvent = { kind: "answered", issued: { accessToken, refreshToken, ...more } };
    const story = new Story();
    expect(story.on(locked, ended)).toEqual(["save"]);
    expect(story.on(saved)).toEqual(["unlock", "troubled"]);
    expect(wakeAtMs(story.state)).toBe(startMs + secondMs);
    expect(story.after(secondMs, { kind: "looked" }, locked)).toEqual(["ask"]);
    expect(story.showing).toBe(secretText("refresh-9"));
    expect(story.on(ended, saved)).toEqual(["unlock", "troubled"]);
    expect(wakeAtMs(story.state)).toBe(startMs + 3 * secondMs);
    expect(story.state.failures).toBe(2);
    expect(answerTo(story.state, { kind: "any" }, story.nowMs)).toMatchObject({
      kind: "none",
      trouble: { code: "TokenEnded", message: "Cannot get a token: the issuer gives tokens that have ended" },
    });
  });

  it("keeps the token that it has beside one that has ended when it comes, and the newest refresh token", () => {
    const story = new Story({ stored: heldPair(1, { ageMs: 48 * minuteMs }) });
    story.on({ kind: "looked" }, locked);
    story.on({ kind: "answered", issued: issuedPair(2, { expiresInSeconds: 0 }) });
    expect(story.on(saved)).toEqual(["unlock", "troubled"]);
    expect(story.state.held).toMatchObject({ tokenId: "id-1", serial: 2, refresh: { token: secretText("refresh-2") } });
    expect(answerTo(story.state, { kind: "any" }, story.nowMs)).toMatchObject({ kind: "given" });
  });
});
