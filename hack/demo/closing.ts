import { readdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeStep } from "../../src/ring/describe.ts";
import { formatDuration } from "../../src/parse/duration.ts";
import { forecast } from "../../src/ring/forecast.ts";
import { parseRotation } from "../../src/ring/resource/rotation.ts";
import { apiVersion, rotations } from "../../src/parse/api-names.ts";
import { line, paint, type Io, type Appearance } from "../../src/tools/text/screen.ts";
import { pairs, table } from "../../src/tools/text/table.ts";
import { shortSpan } from "../../src/tools/text/words.ts";
import type { Stage } from "./stage.ts";
import { demo } from "./times.ts";
import type { Verdict } from "./tokens.ts";

interface Ending {
  readonly io: Io;
  readonly rotations: number;
  readonly ms: number;
  /** The directory stays. */
  readonly isKept: boolean;
}

const gone = [" The directory is removed; npm start -- --keep leaves it, with the last token.", ""];

/** What is left when the demo has ended: the numbers, the directory, a proof without us, and what it is like in earnest. */
export async function close(stage: Stage, of: Ending): Promise<Verdict> {
  const { io, rotations, ms, isKept } = of;
  const look = io.out;
  const verdict = stage.tokens.verdict(Infinity);
  const parts = [
    ...["", summary(verdict, { look, rotations, ms }), ""],
    ...(isKept ? [...(await directory(stage, look)), ...(await proof(stage, look))] : gone),
    ...inEarnest(look, io.nowMs()),
  ];
  for (const text of parts) line(io.out, text);
  return verdict;
}

const count = (n: number): string => n.toLocaleString("en-US");
const title = (look: Appearance, text: string): string => ` ${paint(look, "strong", text)}`;

function summary(
  { verified, refused, revoked, early }: Verdict,
  { look, rotations, ms }: { look: Appearance; rotations: number; ms: number },
): string {
  const tokens = `${count(verified)} verified, ${count(refused)} refused`;
  const others = [
    ...(revoked > 0 ? [`${count(revoked)} of revoked keys refused, as they should be`] : []),
    ...(early > 0 ? [`${count(early)} too early for the client's JWKS after a revocation`] : []),
  ];
  const turns = `${rotations} ${rotations === 1 ? "rotation" : "rotations"} in ${Math.round(ms / 1000)} s`;
  return ` ${turns}: ${paint(look, ["strong", refused === 0 ? "good" : "bad"], tokens)}${others.map((text) => `; ${text}`).join("")}`;
}

async function directory({ folder, dir }: Stage, look: Appearance): Promise<readonly string[]> {
  const newest = (await readdir(join(dir, "ring"))).toSorted().at(-1) ?? "";
  const rows = [
    [`keys/ring/${newest}`, "every key: for Keyturn alone"],
    ["keys/signer/", "the one key that signs, as PEM and JWKS"],
    ["keys/public/", "for those who verify: jwks.json"],
    ["rotation.yaml", "the config, as for kubectl apply"],
  ] as const;
  const swapped = await readlink(join(dir, "public", "..data"));
  return [
    `${title(look, "The directory")}  ${folder}`,
    ...pairs(rows, look).map((text) => `   ${text}`),
    `   ${paint(look, "faint", `swapped as one: keys/public/..data -> ${swapped}`)}`,
    "",
  ];
}

/** RFC 7515 §5.2: what is signed is `header.payload` as it stands in the token. */
async function proof({ folder, tokens }: Stage, look: Appearance): Promise<readonly string[]> {
  const [header = "", payload = "", signature = ""] = tokens.latest.split(".");
  await writeFile(join(folder, "last-token.jwt"), `${tokens.latest}\n`);
  await writeFile(join(folder, "last-token.txt"), `${header}.${payload}`);
  await writeFile(join(folder, "last-token.sig"), Buffer.from(signature, "base64url"));
  const command = "openssl dgst -sha256 -verify keys/signer/public.pem -signature last-token.sig last-token.txt";
  return [title(look, "The last token, by openssl alone"), `   cd ${folder}`, `   ${command}`, ""];
}

const day = 86_400_000;

/** The same planner, with every default of the resource: from the first key to the first one that is pruned. */
function inEarnest(look: Appearance, nowMs: number): readonly string[] {
  const { issuer, audience, name } = demo;
  const spec = { tokens: { issuer, audiences: [audience] } };
  const { policy, ref } = parseRotation({ apiVersion, kind: rotations.kind, metadata: { name }, spec });
  const stored = { kind: "nothing", generationFloor: 0 } as const;
  const input = { rotation: ref, policy, stored, requests: [], gateways: [], clockTrusted: true, nowMs };
  const all = forecast(input, 365 * day, 30);
  const pruned = all.findIndex(({ steps }) => steps.some(({ type }) => type === "prune"));
  const writes = all.slice(0, pruned + 1);
  const rows = writes.flatMap(({ atMs, steps }, index) => {
    const sinceMs = atMs - (writes[index - 1]?.atMs ?? nowMs);
    const when =
      sinceMs >= 1000
        ? `${sinceMs < 2 * day ? formatDuration(sinceMs) : shortSpan(sinceMs)} later`
        : index === 0
          ? "at once"
          : "then";
    return steps.map((step, line) => [line === 0 ? when : "", describeStep(step)]);
  });
  return [
    title(look, "With the defaults: tokens of 1h, caches of 30m, a rotation every 30 days"),
    ...table(["WHEN", "WHAT"], rows, look).map((text) => `   ${text}`),
    "",
  ];
}
