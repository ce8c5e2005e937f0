import { describe, expect, test } from "vitest";
import { hashOfLine } from "../../../src/issuer/callers/client-secrets.ts";
import { Clients, type StoredSecret } from "../../../src/issuer/callers/clients.ts";
import {
  hashSecret,
  isOfSecret,
  parseScryptHash,
  type ScryptCost,
  type ScryptHash,
} from "../../../src/issuer/callers/scrypt-hash.ts";
import { Turns } from "../../../src/issuer/callers/turns.ts";
import { clientWith, issuerWith } from "../support/token-issuers.ts";

const cheap: ScryptCost = { ln: 14, r: 8, p: 1 };
const dear: ScryptCost = { ln: 14, r: 8, p: 2 };
const secretOf = (id: string, n: number): string => `${id}-secret-${n}-0123456789`;

async function hashOf(secret: string, cost = cheap): Promise<ScryptHash> {
  const hash = parseScryptHash(await hashSecret(secret, cost));
  if (hash === undefined) throw new Error("Cannot read the hash");
  return hash;
}

/** `plain` has two secrets as they are, `hashed` one of each cost, `twice` two of the cheap one. Each hash that is made is noted. */
async function clients(turns?: Turns) {
  const made: ScryptCost[] = [];
  const { clients: all } = issuerWith({
    clients: ["plain", "hashed", "twice"].map((id) => clientWith({ id, secretFiles: [id], subject: `app:${id}` })),
  });
  const stored: readonly (readonly StoredSecret[])[] = [
    [{ plain: secretOf("plain", 1) }, { plain: secretOf("plain", 2) }],
    [{ scrypt: await hashOf(secretOf("hashed", 1), dear) }, { scrypt: await hashOf(secretOf("hashed", 2)) }],
    [{ scrypt: await hashOf(secretOf("twice", 1)) }, { scrypt: await hashOf(secretOf("twice", 2)) }],
  ];
  const compare = (hash: ScryptHash, secret: string): Promise<boolean> => {
    made.push(hash.cost);
    return isOfSecret(hash, secret);
  };
  const pairs = all.map((client, index) => [client, stored[index] ?? []] as const);
  return { made, clients: new Clients(pairs, { compare, ...(turns && { turns }) }) };
}

const wrong = { kind: "refused", error: "invalid_client", check: "client" };

describe("Clients.authenticate", () => {
  test.each([
    ["plain", 1],
    ["plain", 2],
    ["hashed", 1],
    ["hashed", 2],
    ["twice", 1],
    ["twice", 2],
  ])("takes secret of client %s, number %i", async (id, n) => {
    const answer = await (await clients()).clients.authenticate({ id, secret: secretOf(id, n) });
    expect(answer).toMatchObject({ kind: "client", clientId: id, subject: `app:${id}`, claims: {} });
  });

  test.each([
    ["a wrong secret", "hashed", "wrong-secret-0123456789"],
    ["a wrong secret of a client without hashes", "plain", "wrong-secret-0123456789"],
    ["another client's secret", "twice", secretOf("hashed", 2)],
    ["a client that is not known", "nobody", secretOf("hashed", 2)],
    ["no client", "", ""],
    ["a name of every object", "__proto__", "x"],
  ])("%s is refused in the same words, at the same cost", async (_what, id, secret) => {
    const { clients: all, made } = await clients();
    expect(await all.authenticate({ id, secret })).toMatchObject(wrong);
    expect(made).toEqual([dear, cheap, cheap]);
  });

  test("a secret that was found good is hashed once, and a wrong one each time", async () => {
    const { clients: all, made } = await clients();
    const shown = { id: "hashed", secret: secretOf("hashed", 2) };
    await all.authenticate(shown);
    expect(made).toHaveLength(3);
    expect(await all.authenticate(shown)).toMatchObject({ kind: "client" });
    expect(made).toHaveLength(3);
    expect(await all.authenticate({ id: "twice", secret: shown.secret })).toMatchObject(wrong);
    expect(made).toHaveLength(6);
    await all.authenticate({ id: "twice", secret: shown.secret });
    expect(made).toHaveLength(9);
  });

  test("a secret that is too long is refused without a hash", async () => {
    const { clients: all, made } = await clients();
    expect(await all.authenticate({ id: "hashed", secret: "x".repeat(1025) })).toMatchObject(wrong);
    expect(made).toEqual([]);
  });

  test("where nobody has a hash, none is made", async () => {
    const { clients: known } = issuerWith({ clients: [clientWith()] });
    const secrets = known.map((client) => [client, [{ plain: "0123456789abcdef" }]] as const);
    const all = new Clients(secrets, { compare: () => Promise.reject(new Error("hashed")) });
    expect(await all.authenticate({ id: "dashboard", secret: "0123456789abcdeg" })).toMatchObject(wrong);
    expect(await all.authenticate({ id: "dashboard", secret: "0123456789abcdef" })).toMatchObject({ kind: "client" });
  });

  test("a flood is turned away as busy, whoever asks, but for those whose secret is remembered", async () => {
    const { clients: all } = await clients(new Turns({ atOnce: 1, waiting: 1 }));
    const good = { id: "twice", secret: secretOf("twice", 1) };
    await all.authenticate(good);
    const flood = ["a", "hashed", "b", "plain"].map((id) =>
      all.authenticate({ id, secret: "wrong-secret-0123456789" }),
    );
    expect(await all.authenticate(good)).toMatchObject({ kind: "client" });
    const busy = { kind: "refused", error: "temporarily_unavailable", check: "busy" };
    expect(await Promise.all(flood)).toMatchObject([wrong, wrong, busy, busy]);
  });
});

describe("parseScryptHash", () => {
  test("reads what hashSecret writes, at its default cost", async () => {
    const text = await hashSecret("a secret");
    expect(text).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    const hash = parseScryptHash(text);
    expect(hash && (await isOfSecret(hash, "a secret"))).toBe(true);
    expect(hash && (await isOfSecret(hash, "a secreT"))).toBe(false);
    expect(await hashSecret("a secret")).not.toBe(text);
  });

  test("reads a hash that another program made", async () => {
    // Python: hashlib.scrypt(b"correct horse battery", salt=b"0123456789abcdef", n=16384, r=8, p=1, dklen=32)
    const hash = parseScryptHash(
      "$scrypt$ln=14,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$ebnHHTApWa0oNoXTYCCHxLXDaejcvcTRQhZaD1OJNCE",
    );
    expect(hash && (await isOfSecret(hash, "correct horse battery"))).toBe(true);
  });

  const tail = `MDEyMzQ1Njc4OWFiY2RlZg$${"A".repeat(43)}`;
  test.each([
    [`$scrypt$ln=14,r=8,p=1$${tail}`, true],
    [`$scrypt$ln=17,r=8,p=8$${tail}`, true],
    [`$scrypt$ln=13,r=8,p=1$${tail}`, false],
    [`$scrypt$ln=14,r=7,p=1$${tail}`, false],
    [`$scrypt$ln=18,r=8,p=1$${tail}`, false],
    [`$scrypt$ln=17,r=9,p=1$${tail}`, false],
    [`$scrypt$ln=17,r=8,p=9$${tail}`, false],
    [`$scrypt$ln=99,r=99,p=99$${tail}`, false],
    [`$scrypt$ln=014,r=8,p=1$${tail}`, false],
    [`$scrypt$r=8,ln=14,p=1$${tail}`, false],
    [`$scrypt$ln=14,r=8,p=1$${tail}=`, false],
    [`$scrypt$ln=14,r=8,p=1$short$${"A".repeat(43)}`, false],
    [`$scrypt$ln=14,r=8,p=1$${tail.slice(0, -1)}`, false],
    [`$argon2id$v=19$m=65536,t=3,p=4$${tail}`, false],
    ["", false],
  ])("%s: %s", (text, isHash) => expect(parseScryptHash(text) !== undefined).toBe(isHash));
});

describe("hashOfLine", () => {
  test("hashes the line without its end", async () => {
    const hash = parseScryptHash(await hashOfLine("0123456789abcdef\r\n"));
    expect(hash && (await isOfSecret(hash, "0123456789abcdef"))).toBe(true);
  });

  test.each([
    "0123456789abcde",
    "0123456789abcdef\n\n",
    "a\u0000".repeat(16),
    "x".repeat(1025),
    `$scrypt$${"x".repeat(16)}`,
    "",
  ])("%j is no secret", (text) =>
    expect(() => hashOfLine(text)).toThrow("must be one line of 16 to 1024 characters, and no hash"),
  );
});
