import { nativeSignatures } from "../../hack/native.ts";
import type { Bench } from "./bench.ts";
import { gatewayWorld, type GatewayWorld } from "./gateway-world.ts";
import type { Contest } from "./measure.ts";
import { type SignatureKind, signatureKinds } from "./signature-kinds.ts";

/** Calls it with one token after the other. */
function overAll<Result>(tokens: readonly string[], verify: (token: string) => Result): () => Result {
  let next = 0;
  return () => verify(tokens[next++ % tokens.length] ?? "");
}

function contestsOf({ name }: SignatureKind, world: GatewayWorld): readonly Contest[] {
  const { tokens, verifier, mint, bare, jose, fastJwt } = world;
  const verify = { name: "verify", run: overAll(tokens, (token) => verifier.verify(token, Date.now())) };
  const minting = { name: "mint", run: mint };
  const bareVerify = { name: "node:crypto verify", run: bare.verify };
  const bareSign = { name: "node:crypto sign", run: bare.sign };
  const [joseVerify, fastVerify] = [overAll(tokens, jose.verify), overAll(tokens, fastJwt.verify)];
  return [
    { name: `${name}: verify`, ours: verify, baseline: bareVerify, clock: "cpu" },
    { name: `${name}: verify`, ours: verify, baseline: { name: "jose", run: joseVerify }, clock: "cpu" },
    { name: `${name}: verify`, ours: verify, baseline: { name: "fast-jwt", run: fastVerify }, clock: "cpu" },
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
      signatureKinds.map(async (kind) => [kind, await gatewayWorld({ ...kind, signatures })] as const),
    );
    const es256 = worlds.find(([{ algorithm }]) => algorithm === "ES256");
    return [...worlds.flatMap(([kind, world]) => contestsOf(kind, world)), ...(es256 ? otherContests(es256[1]) : [])];
  },
};
