import { describe, expect, test } from "vitest";
import { asking, GrpcClient } from "./support/grpc.ts";
import { Home } from "./support/home.ts";
import { kid } from "./support/rings.ts";
import { tokenOf } from "./support/tokens.ts";

async function audited(...args: Parameters<Home["start"]>) {
  const home = await Home.make();
  await home.writes({ generation: 5, retiring: [2] });
  await home.start(...args);
  await home.logs("ready {");
  const about = (what: string): readonly string[] => home.lines.filter((line) => line.startsWith(`${what} {`));
  return { home, about };
}
const nowMs = Date.now();
const expired = tokenOf({ nowMs: nowMs - 7_200_000 });

describe("what a gateway tells of tokens", () => {
  test("of each that it refuses kid and reason, by either way of asking, and nothing of those that are good", async () => {
    const { home, about } = await audited({}, true, { tellsRefusals: true });
    expect(await home.verify(tokenOf({ nowMs }))).toBe(200);
    expect(await home.verify(expired)).toBe(401);
    const client = new GrpcClient(home.ports.grpc ?? 0);
    const stranger = tokenOf({ signer: 3, nowMs });
    await client.check(asking({ key: "authorization", value: `Bearer ${stranger}` }));
    expect(about("refused")).toEqual([
      `refused ${JSON.stringify({ kid: kid(0), reason: "Expired" })}`,
      `refused ${JSON.stringify({ kid: `${kid(3).slice(0, 8)}…`, reason: "KidUnknown" })}`,
    ]);
    const all = home.lines.join();
    for (const part of [...expired.split("."), ...stranger.split("."), "alice"]) expect(all).not.toContain(part);
  });

  test("of each that it mints who it is of, its id, its key and its end, and no more", async () => {
    const { home, about } = await audited({}, true, { tellsMinted: true });
    const { token, expiresAt } = (await (await home.mint()).json()) as { token: string; expiresAt: string };
    const [, claims = ""] = token.split(".");
    const { jti } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { jti: string };
    const line = { sub: "alice", jti, kid: kid(0), exp: Date.parse(expiresAt) / 1000 };
    expect(about("minted")).toEqual([`minted ${JSON.stringify(line)}`]);
    for (const part of token.split(".")) expect(home.lines.join()).not.toContain(part);
  });

  test("of neither a word where it was not asked for", async () => {
    const { home, about } = await audited();
    await home.mint();
    expect(await home.verify(expired)).toBe(401);
    expect([about("refused"), about("minted")]).toEqual([[], []]);
  });

  test("by its metrics who still uses the old key", async () => {
    const { home } = await audited();
    expect(await home.verify(tokenOf({ signer: 2, nowMs }))).toBe(200);
    const [, metrics] = await home.get("admin", "/metrics");
    expect(metrics).toContain(`keyturn_gateway_accepted_tokens_total{kid="${kid(2)}"} 1\n`);
    expect(metrics).toContain(`keyturn_gateway_key_info{kid="${kid(2)}",state="verify-only"} 1\n`);
  });
});
