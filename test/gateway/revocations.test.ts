import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RevocationPlan } from "../../src/revocations/revocation-follower.ts";
import { systemClock } from "../../src/time/clock.ts";
import { tempDir } from "../files/temp.ts";
import { clientWith } from "../issuer/support/token-issuers.ts";
import {
  ask,
  basic,
  claimsOf,
  type IssuerWorld,
  newIssuerWorld,
  secret,
  specWith,
  textIn,
} from "../issuer/api/support/world.ts";
import { type Proxy, proxyTo } from "../kube/support/proxy.ts";
import { realRing } from "../support/keys.ts";
import { asking, GrpcClient } from "./support/grpc.ts";
import { Home } from "./support/home.ts";

let issuer: IssuerWorld;
let wire: Proxy;
let home: Home;
/** Through which a gateway asks Envoy's way. */
let envoy: GrpcClient;

const gateway = clientWith({
  id: "gateway",
  secretFiles: ["dashboard"],
  allow: { audiences: ["api"], grantTypes: [], watchRevocations: true },
});

beforeEach(async () => {
  issuer = await newIssuerWorld();
  const { clients = [], ...rest } = specWith() as { clients?: readonly object[] };
  await issuer.allow({ ...rest, clients: [...clients, gateway] });
  wire = await proxyTo(await issuer.api.listen({ port: 0, host: "127.0.0.1" }));
});
afterEach(() => issuer[Symbol.asyncDispose]());

/** A gateway with the issuer's ring, whose clock is the issuer's. */
async function start(change: Partial<RevocationPlan> = {}): Promise<void> {
  const secretFile = join(await tempDir(), "secret");
  await writeFile(secretFile, `${secret}\n`);
  home = await Home.make();
  await home.writesRing(realRing());
  const url = new URL("/v1/revocations", wire.server);
  const credentials = { kind: "client", id: "gateway", secretFile } as const;
  const clock = { ...systemClock, nowMs: () => issuer.nowMs };
  await home.start({}, false, { clock, revocations: { url, credentials, ...change } });
  envoy = new GrpcClient(home.ports.grpc ?? 0);
}

const signIn = async (identityId = "user:7") => {
  const pair = await ask(issuer, "/v1/tokens", { authorization: basic(), json: { identityId } });
  const access = textIn(pair, "accessToken");
  return { access, refresh: textIn(pair, "refreshToken"), ...claimsOf(access) };
};
type SignedIn = Awaited<ReturnType<typeof signIn>> & { readonly sid?: unknown };

const revoke = (json: object) => ask(issuer, "/v1/tokens/revoke", { authorization: basic(), json });

const byEnvoy = async (token: string): Promise<unknown> => {
  const { message } = await envoy.check(asking({ key: "authorization", value: `Bearer ${token}` }));
  return message?.deniedResponse?.status.code ?? 200;
};
const onEachFace = async (token: string): Promise<readonly unknown[]> => [
  await home.verify(token),
  await byEnvoy(token),
];

/** Asks until it is so: nobody but the faces says when. */
async function answers(token: string, status: number): Promise<void> {
  for (let turns = 0; (await home.verify(token)) !== status; turns++) {
    if (turns === 10_000) throw new Error(`the gateway never answered ${status}`);
    await setImmediate();
  }
}

describe("a gateway that hears of revocations", () => {
  test.each<[string, (pair: SignedIn) => Promise<unknown>]>([
    ["the token", ({ access }) => ask(issuer, "/oauth2/revoke", { authorization: basic(), form: { token: access } })],
    [
      "the refresh token",
      ({ refresh }) => ask(issuer, "/oauth2/revoke", { authorization: basic(), form: { token: refresh } }),
    ],
    ["the grant", ({ sid }) => revoke({ sessionId: sid })],
    ["the subject", () => revoke({ identityId: "user:7" })],
  ])("refuses on every face what is revoked by %s, though it has accepted it before; nobody else's", async (_, act) => {
    await start();
    const [pair, other] = [await signIn(), await signIn("user:8")];
    await answers(pair.access, 200);
    expect(await onEachFace(pair.access)).toEqual([200, 200]);
    await act(pair);
    await answers(pair.access, 401);
    expect([await onEachFace(pair.access), await onEachFace(other.access)]).toEqual([
      [401, 401],
      [200, 200],
    ]);
    issuer.nowMs += 1000;
    expect(await onEachFace((await signIn()).access)).toEqual([200, 200]);
    const [, metrics] = await home.get("admin", "/metrics");
    expect(metrics).toMatch(/^keyturn_gateway_verifications_total\{result="denied",reason="Revoked"\} 3$/m);
    expect(metrics).toMatch(/^keyturn_gateway_revocations [12]$/m);
  });

  test("goes on with what it knows while the issuer is away, says so, and misses nothing", async () => {
    await start();
    const [before, meanwhile] = [await signIn(), await signIn("user:8")];
    await answers(before.access, 200);
    await revoke({ identityId: "user:7" });
    await answers(before.access, 401);
    expect(await home.get("admin", "/readyz")).toEqual([200, expect.stringContaining("[+]revocations ok\n")]);
    wire.refuse(true);
    await revoke({ identityId: "user:8" });
    await home.logs("is not heard of");
    expect([await onEachFace(before.access), await onEachFace(meanwhile.access)]).toEqual([
      [401, 401],
      [200, 200],
    ]);
    expect(await home.get("admin", "/readyz")).toEqual([
      200,
      expect.stringContaining("[+]revocations ok, but what is"),
    ]);
    expect((await home.get("admin", "/metrics"))[1]).toMatch(/^keyturn_gateway_revocations_connected 0$/m);
    wire.refuse(false);
    await answers(meanwhile.access, 401);
    expect(await onEachFace(before.access)).toEqual([401, 401]);
    expect((await home.get("admin", "/metrics"))[1]).toMatch(/^keyturn_gateway_revocations_connected 1$/m);
  });

  test("with a longest age serves nobody once the last word is older, and everybody after the next", async () => {
    wire.refuse(true);
    await start({ maxAgeMs: 60_000 });
    const { access } = await signIn();
    await home.logs("is not heard of");
    expect([await onEachFace(access), (await home.get("admin", "/readyz"))[0]]).toEqual([[503, 503], 503]);
    wire.refuse(false);
    await answers(access, 200);
    wire.refuse(true);
    issuer.nowMs += 60_000;
    expect(await onEachFace(access)).toEqual([200, 200]);
    issuer.nowMs += 1;
    expect([await onEachFace(access), (await home.get("admin", "/readyz"))[0]]).toEqual([[503, 503], 503]);
    expect(await envoy.health("")).toMatchObject({ message: { status: 2 } });
    wire.refuse(false);
    await answers(access, 200);
  });

  test("tells no secret and no token in logs, metrics and readiness", async () => {
    await start();
    const { access } = await signIn();
    await answers(access, 200);
    wire.cut();
    await home.logs("is not heard of");
    const told = [
      ...home.lines,
      ...(await Promise.all(["/metrics", "/readyz"].map((path) => home.get("admin", path)))),
    ];
    for (const one of [secret, basic("gateway").slice(6), access, "user:7"]) expect(told.join()).not.toContain(one);
  });
});
