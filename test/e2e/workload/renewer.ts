// An application without a gateway: exchanges the ServiceAccount's token that the kubelet projects for a pair, once, and renews that as long as it
// lives. Hands on each access token, and tells how its grant fares.
import { readFile } from "node:fs/promises";
import { setTimeout as after } from "node:timers/promises";
import type { Delivery, GrantReport } from "./counts.ts";

const { POD = "", CLIENT_URL = "", ISSUER_URL = "", TOKEN_FILE = "" } = process.env;
/** A grant is renewed eight times in 30 seconds at the most. */
const everyMs = 4000;
const againMs = 250;
const patienceMs = 5000;

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

interface Part {
  readonly kid?: string;
  readonly sid?: string;
  readonly exp?: number;
}

const refused: string[] = [];
let triedAgain = 0;
let renewals = 0;

/** A refusal is written down, and is the end; all else is tried again with the same token. */
async function ask(form: Readonly<Record<string, string>>): Promise<Pair> {
  for (;;) {
    const signal = AbortSignal.timeout(patienceMs);
    const body = new URLSearchParams(form);
    const answer = await fetch(`${ISSUER_URL}/oauth2/token`, { method: "POST", body, signal }).catch(String);
    if (typeof answer !== "string" && answer.ok) return (await answer.json()) as Pair;
    const why = typeof answer === "string" ? answer : `${answer.status} ${await answer.text()}`;
    console.log(why);
    if (typeof answer !== "string" && answer.status < 500 && answer.status !== 429) {
      refused.push(why);
      await tell();
      throw new Error(why);
    }
    triedAgain++;
    await after(againMs);
  }
}

const partOf = (token: string, index: number): Part =>
  JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString()) as Part;

let last: Pick<GrantReport, "grant" | "kid"> = { grant: "", kid: "" };

async function post(path: string, body: Delivery | GrantReport): Promise<void> {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(patienceMs);
  await fetch(`${CLIENT_URL}${path}`, { method: "POST", headers, body: JSON.stringify(body), signal }).catch(
    (error: unknown) => console.log(String(error)),
  );
}

const tell = (): Promise<void> => post("/grants", { pod: POD, ...last, renewals, triedAgain, refused });

async function take({ access_token: token }: Pair): Promise<void> {
  const { kid = "" } = partOf(token, 0);
  const { sid = "", exp = 0 } = partOf(token, 1);
  last = { grant: sid, kid };
  await post("/tokens", { pod: POD, kid, token, endsAtMs: exp * 1000 });
  await tell();
}

process.on("SIGTERM", () => process.exit(0));
let pair = await ask({
  grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
  subject_token: (await readFile(TOKEN_FILE, "utf8")).trim(),
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
});
await take(pair);
for (;;) {
  await after(everyMs);
  pair = await ask({ grant_type: "refresh_token", refresh_token: pair.refresh_token });
  renewals++;
  await take(pair);
}
