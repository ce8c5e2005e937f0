import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { nativeSignatures } from "../../hack/native.ts";
import { nodeSignatures } from "../../src/jwt/node-signatures.ts";
import type { Signatures } from "../../src/jwt/signatures.ts";
import type { Figure, FiguresBench } from "./figures.ts";
import { gatewayWorld } from "./gateway-world.ts";
import { type SignatureKind, signatureKinds } from "./signature-kinds.ts";

const acts = ["verify", "mint"] as const;
type Rates = Readonly<Record<(typeof acts)[number], number>>;

/** Bare signatures, without a token around them, by the machine's own OpenSSL: how many in a second of user time. */
async function opensslSpeed(speed: string): Promise<Rates> {
  const { stdout, stderr } = await promisify(execFile)("openssl", ["speed", "-seconds", "1", "-mr", speed]);
  const [, sign, verify] = /^\+F\d+:.*:([\d.]+):([\d.]+)$/m.exec(stdout + stderr) ?? [];
  const rates = { verify: Number(verify), mint: Number(sign) };
  if (!(rates.verify > 0 && rates.mint > 0)) throw new TypeError(`Cannot read what openssl speed ${speed} says`);
  return rates;
}

/** How many in a second of processor time. @param fillMs - About how long it may take */
function rateOf(run: () => unknown, fillMs: number): number {
  const from = process.cpuUsage();
  for (let count = 1; ; count++) {
    run();
    // Asked seldom: it costs as much as a signature
    if (count % 16 !== 0) continue;
    const { user, system } = process.cpuUsage(from);
    if (user + system > fillMs * 1000) return (1_000_000 * count) / (user + system);
  }
}

async function waysOf(kind: SignatureKind, signatures: Signatures) {
  const { tokens, verifier, mint } = await gatewayWorld({ ...kind, signatures });
  let next = 0;
  return { verify: () => verifier.verify(tokens[next++ % tokens.length] ?? "", Date.now()), mint };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** All of a kind in turns, round by round: what slows the machine for a while slows all of them. */
async function figuresOf(
  kind: SignatureKind,
  { rounds, fillMs, native }: { readonly rounds: number; readonly fillMs: number; readonly native: Signatures },
): Promise<readonly Figure[]> {
  const ways = [
    { suffix: "", goals: kind.goals, run: await waysOf(kind, native) },
    { suffix: ", --signatures=node", goals: undefined, run: await waysOf(kind, nodeSignatures) },
  ];
  const seen: { readonly bare: Rates; readonly ours: readonly Rates[] }[] = [];
  for (let round = 0; round < rounds; round++) {
    const ours = ways.map(({ run }) => ({ verify: rateOf(run.verify, fillMs), mint: rateOf(run.mint, fillMs) }));
    seen.push({ bare: await opensslSpeed(kind.speed), ours });
  }
  return acts.flatMap((act) =>
    ways.map(({ suffix, goals }, way): Figure => {
      const bare = median(seen.map((each) => each.bare[act]));
      // Within each round, and told as a rate over that of all rounds
      const ratio = median(seen.map(({ bare: { [act]: of }, ours }) => (ours[way]?.[act] ?? Number.NaN) / of));
      return {
        what: `${kind.name}: ${act}${suffix}`,
        unit: "a CPU second",
        ours: ratio * bare,
        baseline: { name: `openssl speed ${kind.speed}`, value: bare },
        ...(goals && { goal: `≥ ${goals[act]}` }),
      };
    }),
  );
}

export const signaturesBench: FiguresBench = {
  name: "signatures",
  what: "a token the whole way, natively and by node:crypto, against bare signatures; one thread, a ring of 16 keys",
  async figures(isQuick) {
    const native = await nativeSignatures();
    const effort = isQuick ? { rounds: 1, fillMs: 0 } : { rounds: 9, fillMs: 500 };
    const figures: Figure[] = [];
    for (const kind of signatureKinds) figures.push(...(await figuresOf(kind, { ...effort, native })));
    return figures;
  },
};
