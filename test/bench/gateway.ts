import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { nativeSignatures } from "../../hack/native.ts";
import type { Algorithm } from "../../src/ring/key.ts";
import type { Bench } from "./bench.ts";
import { gatewayWorld, type GatewayWorld } from "./gateway-world.ts";
import type { Contender, Contest } from "./measure.ts";

interface Kind {
  readonly name: string;
  readonly algorithm: Algorithm;
  readonly modulusBits?: number;
  /** What `openssl speed` calls it. */
  readonly speed: string;
  /** About how long each takes, in microseconds. */
  readonly verifyTakes: number;
  readonly mintTakes: number;
}

const kinds: readonly Kind[] = [
  { name: "EdDSA", algorithm: "EdDSA", speed: "ed25519", verifyTakes: 150, mintTakes: 50 },
  { name: "ES256", algorithm: "ES256", speed: "ecdsap256", verifyTakes: 100, mintTakes: 45 },
  {
    name: "RS256, 2048 bits",
    algorithm: "RS256",
    modulusBits: 2048,
    speed: "rsa2048",
    verifyTakes: 35,
    mintTakes: 850,
  },
  {
    name: "RS256, 3072 bits",
    algorithm: "RS256",
    modulusBits: 3072,
    speed: "rsa3072",
    verifyTakes: 60,
    mintTakes: 2500,
  },
];

const execute = promisify(execFile);

/** Bare signatures or verifications, without a token around them, by the machine's own OpenSSL: user time alone. */
function opensslSpeed(speed: string, what: "sign" | "verify"): Contender {
  const tells = async (): Promise<number> => {
    const { stdout, stderr } = await execute("openssl", ["speed", "-seconds", "1", "-mr", speed]);
    const figures = /^\+F\d+:.*:([\d.]+):([\d.]+)$/m.exec(stdout + stderr);
    const perSecond = Number(figures?.[what === "sign" ? 1 : 2]);
    if (!(perSecond > 0)) throw new TypeError(`Cannot read what openssl speed ${speed} says`);
    return 1_000_000 / perSecond;
  };
  return { name: `openssl speed ${speed} ${what}`, run: tells, tells };
}

/** Calls it with one token after the other. */
function overAll<Result>(tokens: readonly string[], verify: (token: string) => Result): () => Result {
  let next = 0;
  return () => verify(tokens[next++ % tokens.length] ?? "");
}

/** As long as openssl's own second, so that a start with cold caches weighs alike. @param microseconds - about what a run takes */
const likeOpenssl = (microseconds: number) =>
  ({ clock: "cpu", rounds: 15, batch: Math.ceil(1_000_000 / microseconds) }) as const;

function contestsOf({ name, speed, verifyTakes, mintTakes }: Kind, world: GatewayWorld): readonly Contest[] {
  const { tokens, verifier, mint, bare, jose, fastJwt } = world;
  const verify = { name: "verify", run: overAll(tokens, (token) => verifier.verify(token, Date.now())) };
  const minting = { name: "mint", run: mint };
  const bareVerify = { name: "node:crypto verify", run: bare.verify };
  const bareSign = { name: "node:crypto sign", run: bare.sign };
  const [joseVerify, fastVerify] = [overAll(tokens, jose.verify), overAll(tokens, fastJwt.verify)];
  return [
    { name: `${name}: verify`, ours: verify, baseline: opensslSpeed(speed, "verify"), ...likeOpenssl(verifyTakes) },
    { name: `${name}: verify`, ours: verify, baseline: bareVerify, clock: "cpu" },
    { name: `${name}: verify`, ours: verify, baseline: { name: "jose", run: joseVerify }, clock: "cpu" },
    { name: `${name}: verify`, ours: verify, baseline: { name: "fast-jwt", run: fastVerify }, clock: "cpu" },
    { name: `${name}: mint`, ours: minting, baseline: opensslSpeed(speed, "sign"), ...likeOpenssl(mintTakes) },
    { name: `${name}: mint`, ours: minting, baseline: bareSign, clock: "cpu" },
    { name: `${name}: mint`, ours: minting, baseline: { name: "jose", run: jose.mint }, clock: "cpu" },
    { name: `${name}: mint`, ours: minting, baseline: { name: "fast-jwt", run: fastJwt.mint }, clock: "cpu" },
  ];
}

/** What does not hang on the algorithm. */
function otherContests({ tokens, verifier, remembering, unknown, jose, fastJwt }: GatewayWorld): readonly Contest[] {
  const [token = ""] = tokens;
  const again = { name: "verify, remembered", run: () => remembering.verify(token, Date.now()) };
  return [
    {
      name: "ES256: one token again and again",
      clock: "cpu",
      ours: again,
      baseline: { name: "verify, nothing remembered", run: () => verifier.verify(token, Date.now()) },
    },
    {
      name: "ES256: one token again and again",
      clock: "cpu",
      ours: again,
      baseline: { name: "fast-jwt, cache on", run: () => fastJwt.verifyCached(token) },
    },
    {
      name: "flood of a kid that nobody has",
      clock: "cpu",
      ours: { name: "verify", run: () => remembering.verify(unknown, Date.now()) },
      baseline: { name: "jose, local JWKS", run: () => jose.verify(unknown).catch(() => undefined) },
    },
  ];
}

export const gatewayBench: Bench = {
  name: "gateway",
  what: "a token verified and minted the whole way, from and to its text; one thread, a ring of 16 keys",
  contests: async () => {
    // As in the image
    const signatures = await nativeSignatures();
    const worlds = await Promise.all(
      kinds.map(async (kind) => [kind, await gatewayWorld({ ...kind, signatures })] as const),
    );
    const es256 = worlds.find(([{ algorithm }]) => algorithm === "ES256");
    return [...worlds.flatMap(([kind, world]) => contestsOf(kind, world)), ...(es256 ? otherContests(es256[1]) : [])];
  },
};
