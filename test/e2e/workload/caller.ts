// Three applications that ask the replicas' gateways four times a second, each by its own way to a token. `proxy` knows no tokens at all: it sends plain
// requests to the agent beside it. `file` reads what the agent writes, anew for each call, and tells the agent of a refused token. `client` keeps
// a token itself, with @keyturn/client. Each tells how that goes: a 401 that reaches it is one too many.
import { readFile } from "node:fs/promises";
import { setTimeout as after } from "node:timers/promises";
import { TokenKeeper } from "../../../src/client/index.ts";
import { otherToken, partOf, tokenInFile } from "./agent.ts";
import type { CallReport } from "./counts.ts";

const { WAY = "", CALL_URL = "", CLIENT_URL = "", ISSUER_URL = "", TOKEN_FILE = "" } = process.env;
const everyMs = 250;
const patienceMs = 5000;
const tellEvery = 4;

/** Keys that signed the tokens that were shown, the newest last; the proxy's are nobody's business. */
const kids: string[] = [];

function shown(token: string): void {
  const { kid = "" } = partOf(token, 0);
  if (kids.at(-1) !== kid) kids.push(kid);
}

const asked = (bearer?: string): Promise<Response> =>
  fetch(CALL_URL, {
    signal: AbortSignal.timeout(patienceMs),
    ...(bearer !== undefined && { headers: { authorization: `Bearer ${bearer}` } }),
  });

async function byFile(): Promise<Response> {
  const token = await tokenInFile();
  const answer = await asked(token);
  shown(token);
  return answer.status === 401 ? asked(await otherToken(token)) : answer;
}

function byClient(): () => Promise<Response> {
  const keeper = new TokenKeeper({
    tokenURL: `${ISSUER_URL}/oauth2/token`,
    credential: async () => ({ kind: "token", token: (await readFile(TOKEN_FILE, "utf8")).trim() }),
  });
  const send = keeper.authorized();
  return async () => {
    const answer = await send(CALL_URL, { signal: AbortSignal.timeout(patienceMs) });
    shown(await keeper.get());
    return answer;
  };
}

const ways = { proxy: () => () => asked(), file: () => byFile, client: byClient };

function callOf(way: string): () => Promise<Response> {
  if (way === "proxy" || way === "file" || way === "client") return ways[way]();
  throw new Error(`There is no way "${way}"`);
}

const call = callOf(WAY);

const refused: string[] = [];
let [calls, unanswered] = [0, 0];

async function callOnce(send: () => Promise<Response>): Promise<void> {
  try {
    const answer = await send();
    const said = await answer.text();
    if (answer.ok) calls++;
    else if (answer.status === 401 || answer.status === 403) refused.push(`${answer.status} ${said}`);
    else throw new Error(`${answer.status} ${said}`);
  } catch (error) {
    // A replica that went away, or an agent that found none: no verdict on a token
    unanswered++;
    console.log(String(error));
  }
}

async function tell(): Promise<void> {
  const report: CallReport = { way: WAY, calls, unanswered, kids, refused };
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(patienceMs);
  await fetch(`${CLIENT_URL}/calls`, { method: "POST", headers, body: JSON.stringify(report), signal }).catch(
    (error: unknown) => console.log(String(error)),
  );
}

process.on("SIGTERM", () => process.exit(0));
for (let count = 1; ; count++) {
  await callOnce(call);
  if (count % tellEvery === 0) await tell();
  await after(everyMs);
}
