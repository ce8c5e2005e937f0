import { Agent, get } from "node:http";
import type { Held, Tally } from "./tally.ts";

const patienceMs = 5000;
const port = 8080;
const agent = new Agent({ keepAlive: true });

export interface Question {
  readonly tally: Tally;
  readonly pod: string;
  readonly address: string;
  readonly held: Held;
}

/** Asks one replica's gateway about one token, and counts what it says. */
export async function askReplica({ tally, pod, address, held }: Question): Promise<void> {
  const asked = tally.stateOf(held.kid);
  const status = await verdict(address, held.token);
  if (status === 200) tally.accepted(pod, held, asked);
  else if (status === 401) tally.refused(pod, held, String(status));
  else if (status === undefined) tally.unreachable(pod, held);
  else if (Date.now() < held.endsAtMs) tally.wrong("no verdict", pod, held, String(status));
}

/** Asks one replica about a token that it has to refuse. */
export async function askForeign({ tally, pod, address, held }: Question): Promise<void> {
  tally.foreign(pod, held, await verdict(address, held.token));
}

/** The answer's status, undefined where there was none. */
function verdict(host: string, token: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve) => {
    const question = get({ host, port, path: "/verify", agent, headers, timeout: patienceMs }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    });
    question.on("timeout", () => question.destroy());
    question.on("error", () => resolve(undefined));
  });
}
