import { createPrivateKey, randomBytes, randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { type IssuerApiOptions, newIssuerApi } from "../../../../src/issuer/api/issuer-api.ts";
import { auditTo } from "../../../../src/issuer/audit.ts";
import { type LiveCallers, openCallers } from "../../../../src/issuer/callers/live-callers.ts";
import { smallFiles } from "../../../../src/files/small-files.ts";
import type { GrantStore } from "../../../../src/issuer/store/grant-store.ts";
import { openGrantStore } from "../../../../src/issuer/store/open-grant-store.ts";
import type { IssuerParts, Signing, Verifying } from "../../../../src/issuer/tokens/issuer-parts.ts";
import { compileMinter } from "../../../../src/jwt/minter.ts";
import { RevokedSet } from "../../../../src/jwt/revoked-set.ts";
import type { KeyRing } from "../../../../src/ring/codec.ts";
import type { Kid } from "../../../../src/ring/key.ts";
import { compileRing } from "../../../../src/jwt/verifier.ts";
import { systemClock } from "../../../../src/time/clock.ts";
import { realRing, pairOf } from "../../../support/keys.ts";
import { clientWith, fileWith, trustWith } from "../../support/token-issuers.ts";
import { claimsAt, newKey, tokenOf } from "../../support/tokens.ts";

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const secret = "a secret of the tests' own";

/** An issuer on SQLite, a ring of real keys and a TokenIssuer file. Its clock stands until somebody moves it. */
export interface IssuerWorld {
  readonly api: FastifyInstance;
  readonly store: GrantStore;
  readonly parts: IssuerParts;
  /** What the audit heard of: `event` and the rest. */
  readonly heard: readonly Readonly<Record<string, unknown>>[];
  nowMs: number;
  /** There is no ring. */
  isEmpty: boolean;
  /** No key can sign. */
  isMute: boolean;
  /** The key must not sign now. */
  isFenced: boolean;
  /** The key that signs is revoked. */
  isKeyRevoked: boolean;
  /** What is waited for while it must not. @default nothing */
  confirmed?: () => Promise<void>;
  /** Those of the signing key. @default those of the ring */
  audiences?: readonly string[];
  /** Writes the file anew, and waits until it is in force. */
  allow(spec: object): Promise<void>;
  /** A token of `https://partner.example`. */
  foreign(claims?: object): string;
  [Symbol.asyncDispose](): Promise<void>;
}

const partnerKey = newKey();

export const specWith = (
  more: { client?: object; trust?: object; spec?: object } = {},
): { readonly clients: readonly object[]; readonly trust: readonly object[] } => ({
  clients: [
    clientWith({
      secretFiles: ["dashboard"],
      allow: { audiences: ["api", "admin"], scopes: ["read", "write"], subjects: ["user:*"], claims: ["team"] },
      ...more.client,
    }),
    clientWith({ id: "other", secretFiles: ["dashboard"] }),
  ],
  trust: [trustWith({ jwks: { keys: [partnerKey.publicJwk] }, ...more.trust })],
  // As where clients ask for no token that is for the issuer itself
  ...{ ownAudiences: ["api"] },
  ...more.spec,
});

/** @param location - Of the store. @default SQLite, gone with the world */
export async function newIssuerWorld(options: Partial<IssuerApiOptions> = {}, location?: string): Promise<IssuerWorld> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-issuer-"));
  const path = join(folder, "issuer.json");
  const write = (spec: object): Promise<void> => writeFile(path, JSON.stringify(fileWith(spec)));
  await write(specWith());
  await writeFile(join(folder, "dashboard"), secret);
  const heard: Readonly<Record<string, unknown>>[] = [];
  const hear = (fields: object): void => void heard.push({ ...fields });
  const log = { debug: hear, info: hear, warn: hear, error: hear };
  const clock = { ...systemClock, nowMs: () => world.nowMs };
  const callers: LiveCallers = await openCallers({
    ...{ path, clock, log, files: smallFiles, chance: () => 0.5, userAgent: "keyturn/test", pollMs: 10 },
  });
  const closing = new AbortController();
  void callers.run(closing.signal);
  const store = await openGrantStore(location ?? `sqlite:${join(folder, "grants.db")}`);
  const { signing, verifying, revoking } = newKeys(() => world.nowMs);
  const parts: IssuerParts = {
    store,
    callers,
    verifying: () => (world.isEmpty ? undefined : world.isKeyRevoked ? revoking : verifying),
    confirmed: async () => world.confirmed?.(),
    signing: () => {
      const { audiences = signing.profile.audiences } = world;
      return world.isMute || world.isEmpty
        ? undefined
        : { ...signing, isFenced: world.isFenced, profile: { ...signing.profile, audiences } };
    },
    longestTtlMs: () => hourMs,
    revoked: new RevokedSet(),
    nowMs: () => world.nowMs,
    randomBytes: (size) => randomBytes(size),
    on: auditTo(log),
  };
  const api = await newIssuerApi(parts, {
    ...{
      log,
      clock: systemClock,
      chance: Math.random,
      closing: closing.signal,
      version: "0.0.0",
      mostASecond: 100_000,
      ...options,
    },
    jwks: () => ({ status: 200, headers: { "content-type": "application/jwk-set+json" }, body: "{}" }),
  });
  const world: IssuerWorld = {
    ...{
      api,
      store,
      parts,
      heard,
      isEmpty: false,
      isMute: false,
      isFenced: false,
      isKeyRevoked: false,
      nowMs: Date.UTC(2026, 10, 30, 6),
    },
    async allow(spec) {
      const before = callers.config;
      await write(spec);
      await expectSoon(() => callers.config !== before);
    },
    foreign: (claims = {}) => tokenOf(claimsAt(world.nowMs, claims), partnerKey),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await api.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
  return world;
}

interface Keys {
  readonly signing: Signing;
  readonly verifying: Verifying;
  /** The same ring, whose signer is revoked. */
  readonly revoking: Verifying;
}

function newKeys(nowMs: () => number): Keys {
  const keyRing = withOwnAudience(realRing());
  const { kid, material } = pairOf("ES256", 0);
  const half = { kid, key: createPrivateKey({ key: material.privateJwk, format: "jwk" }) };
  const minter = compileMinter({ ring: keyRing.ring, half }, { newId: () => randomUUID() });
  if (minter === undefined) throw new Error("the ring has no signer");
  const publicJwks = new Map([...keyRing.materials].map(([name, { publicJwk }]) => [name, publicJwk]));
  const { profile } = keyRing.ring.signer;
  const verifyingBut = (...revokedKids: readonly Kid[]): Verifying => {
    const verifier = compileRing({ ring: keyRing.ring, publicJwks }, { revokedKids });
    return {
      issuers: [profile.issuer],
      algorithms: [profile.algorithm],
      verify: (token, atMs = nowMs()) => verifier.verify(token, atMs, { type: "at+jwt" }),
    };
  };
  return {
    signing: {
      ...{ profile, isFenced: false },
      mint: (request) => minter.mint(request, { nowMs: nowMs(), notAfterMs: Infinity }),
    },
    ...{ verifying: verifyingBut(), revoking: verifyingBut(keyRing.ring.signer.kid) },
  };
}

/** Its signer may make tokens that are for the issuer itself. */
function withOwnAudience({ ring, materials }: KeyRing): KeyRing {
  const { profile } = ring.signer;
  const audiences = [...profile.audiences, profile.issuer];
  return { ring: { ...ring, signer: { ...ring.signer, profile: { ...profile, audiences } } }, materials };
}

/** Resolves as soon as it is so: the file is looked at every 10 ms. */
async function expectSoon(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
}

export const basic = (id = "dashboard", key = secret): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(key)}`).toString("base64")}`;

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

interface Sent {
  readonly authorization?: string;
  readonly form?: Readonly<Record<string, string>> | string;
  readonly json?: unknown;
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** The address that it comes from. @default 127.0.0.1 */
  readonly from?: string;
}

export async function ask({ api }: IssuerWorld, url: string, sent: Sent = {}): Promise<Answer> {
  const { authorization, form, json, method = "POST", from = "127.0.0.1" } = sent;
  const type = form === undefined ? "application/json" : "application/x-www-form-urlencoded";
  const payload = form === undefined ? jsonText(json) : new URLSearchParams(form).toString();
  const { statusCode, body, headers } = await api.inject({
    ...{ method, url, remoteAddress: from },
    headers: {
      ...(payload !== undefined && { "content-type": type }),
      ...(authorization !== undefined && { authorization }),
    },
    ...(payload !== undefined && { payload }),
  });
  const read: unknown = body === "" ? {} : JSON.parse(body);
  if (typeof read !== "object" || read === null) throw new Error("the answer is no object");
  return { status: statusCode, body: { ...read }, headers };
}

const jsonText = (json: unknown): string | undefined =>
  typeof json === "string" || json === undefined ? json : JSON.stringify(json);

/** A member of an answer that must be a text. */
export function textIn({ body }: Pick<Answer, "body">, name: string): string {
  const value = body[name];
  if (typeof value === "string") return value;
  throw new Error(`"${name}" is no text in ${JSON.stringify(Object.keys(body))} (${String(body["code"])})`);
}

/** The payload of a token, unverified. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  return { ...(claims as object) };
}
