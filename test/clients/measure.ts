// What clients do, each against issuers of its own or of all.
import { setTimeout as pause } from "node:timers/promises";
import type { Algorithm } from "../../src/ring/key.ts";
import type { Keyturn } from "../binary/support/keyturn.ts";
import type { Verifier } from "../binary/support/verifier.ts";
import type { Client, Start } from "./clients.ts";
import { Lab } from "./lab.ts";

/** A client that could be installed. */
export interface Startable {
  readonly client: Client;
  readonly start: Start;
}

/** Of each client by its library. */
type Of<Result> = ReadonlyMap<string, Result>;

const verdictOn = async (verifier: Verifier, token: string): Promise<string> => (await verifier.ask(token)).verdict;

/** Several at a time: each is mostly waiting. */
async function each<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const left = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

export interface Taken {
  /** What each client says of a token of this algorithm: `valid`, or its own words. */
  readonly algorithms: ReadonlyMap<Algorithm, Of<string>>;
  /** The same of a token of RS256 while a key of EdDSA stands beside the one that signed it. */
  readonly beside: Of<string>;
  /** The same of tokens with another `iat`. */
  readonly iat: Readonly<Record<"absent" | "ahead", Of<string>>>;
}

/** Which tokens clients take, each from its first one on. */
export async function measureTaken(
  keyturn: Keyturn,
  startables: readonly Startable[],
  algorithms: readonly Algorithm[],
): Promise<Taken> {
  const found = new Map<Algorithm, Of<string>>();
  let iat: Taken["iat"] = { absent: new Map(), ahead: new Map() };
  let beside: Of<string> = new Map();
  for (const algorithm of algorithms) {
    const lab = await Lab.begin(keyturn, { algorithm, propagationSeconds: 2 });
    const all = (token: () => Promise<string>): Promise<Of<string>> =>
      each(startables, 2, async ({ client, start }) => {
        const verifier = lab.verifier(client, start);
        const verdict = await verdictOn(verifier, await token());
        await verifier.end();
        return [client.library, verdict] as const;
      }).then((pairs) => new Map(pairs));
    try {
      found.set(algorithm, await all(async () => (await lab.mint()).token));
      if (algorithm !== "RS256") continue;
      const ahead = () => lab.sign({ iat: Math.floor(Date.now() / 1000) + 20 });
      iat = { absent: await all(() => lab.sign({})), ahead: await all(ahead) };
      await lab.configure("EdDSA", 3600);
      await lab.standby("EdDSA");
      beside = await all(async () => (await lab.mint()).token);
    } finally {
      await lab.end();
    }
  }
  return { algorithms: found, beside, iat };
}

export interface Copies {
  /** It reads the discovery document. */
  readonly discovers: boolean;
  /** With a max-age of 2 s it asks again after 3 s. */
  readonly keepsToMaxAge: boolean;
  /** So long after it last asked, in seconds, it knew a key that its copy lacked: once, and once more right after. Infinity: not within the time. */
  readonly unknownKid: readonly [number, number];
}

/** How clients keep their copy of the keys. @param patienceMs - So long an unknown key is waited for */
export async function measureCopies(
  keyturn: Keyturn,
  startables: readonly Startable[],
  patienceMs: number,
): Promise<Of<Copies>> {
  const pairs = await each(startables, startables.length, async ({ client, start }) => {
    const lab = await Lab.begin(keyturn, { algorithm: "RS256", propagationSeconds: 2 });
    try {
      const verifier = lab.verifier(client, start);
      await verdictOn(verifier, (await lab.mint()).token);
      const first = lab.count("jwks");
      await pause(3000);
      await verdictOn(verifier, (await lab.mint()).token);
      const keepsToMaxAge = lab.count("jwks") > first;
      const unknownKid = [
        await untilKnown(lab, verifier, patienceMs),
        await untilKnown(lab, verifier, patienceMs),
      ] as const;
      return [client.library, { discovers: lab.count("discovery") > 0, keepsToMaxAge, unknownKid }] as const;
    } finally {
      await lab.end();
    }
  });
  return new Map(pairs);
}

/** Seconds from when it last asked for keys until a token of a key is taken that was not there then. */
async function untilKnown(lab: Lab, verifier: Verifier, patienceMs: number): Promise<number> {
  // Of two keys it may have a copy, of the third it has none
  await lab.rotate();
  await lab.rotate();
  const lastAskedMs = lab.fetched.findLast(({ what }) => what === "jwks")?.atMs ?? 0;
  const { token } = await lab.mint();
  const untilMs = Date.now() + patienceMs;
  while (Date.now() < untilMs) {
    if ((await verdictOn(verifier, token)) === "valid") return (Date.now() - lastAskedMs) / 1000;
    await pause(1000);
  }
  return Infinity;
}

/** Seconds after which clients asked for the keys again that knew all of them; Infinity: not within the time. */
export async function measureLife(
  keyturn: Keyturn,
  startables: readonly Startable[],
  patienceMs: number,
): Promise<Of<number>> {
  const pairs = await each(startables, startables.length, async ({ client, start }) => {
    const lab = await Lab.begin(keyturn, { algorithm: "RS256", propagationSeconds: 2 });
    try {
      const verifier = lab.verifier(client, start);
      await verdictOn(verifier, (await lab.mint()).token);
      const [first] = lab.fetched.filter(({ what }) => what === "jwks");
      const count = lab.count("jwks");
      const untilMs = Date.now() + patienceMs;
      while (Date.now() < untilMs && lab.count("jwks") === count) {
        await pause(5000);
        await verdictOn(verifier, (await lab.mint()).token);
      }
      const again = lab.fetched.filter(({ what }) => what === "jwks")[count];
      return [client.library, first && again ? (again.atMs - first.atMs) / 1000 : Infinity] as const;
    } finally {
      await lab.end();
    }
  });
  return new Map(pairs);
}

interface Refused {
  /** Of a process that ran before anything was asked for. */
  readonly early: number;
  /** Of one that was started after the change was asked for, and before it. */
  readonly late: number;
  /** What it said last. */
  readonly why?: string;
}

export interface Changed {
  /** Tokens that were refused after two rotations in a row. */
  readonly rotation: Of<Refused>;
  /** And after a change from RS256 to ES256. */
  readonly algorithm: Of<Refused>;
  readonly tokens: number;
}

/** Rotations and a change of algorithm, while each client is shown a token several times a second. */
export async function measureChange(
  keyturn: Keyturn,
  startables: readonly Startable[],
  { propagationSeconds, rotations }: { readonly propagationSeconds: number; readonly rotations: number },
): Promise<Changed> {
  const lab = await Lab.begin(keyturn, { algorithm: "RS256", propagationSeconds });
  const traffic = new Traffic(lab, startables);
  try {
    await traffic.start("early");
    for (let nth = 0; nth < rotations; nth++) await lab.rotate();
    await traffic.show(25);
    const rotation = traffic.refused();
    await lab.configure("ES256");
    await lab.standby("ES256");
    // What is advertised now is what a process finds that starts now
    await traffic.start("late");
    await lab.watch.until(
      "ES256 signs",
      ({ signer }) => signer?.profile.algorithm === "ES256",
      (propagationSeconds + 30) * 1000,
    );
    await traffic.show(25);
    return { rotation, algorithm: traffic.refused(), tokens: traffic.shown };
  } finally {
    await traffic.end();
    await lab.end();
  }
}

/** Tokens as they are minted, shown to every client. */
class Traffic {
  readonly #lab: Lab;
  readonly #startables: readonly Startable[];
  readonly #verifiers: { readonly library: string; readonly when: "early" | "late"; readonly verifier: Verifier }[] =
    [];
  #refused = new Map<string, { early: number; late: number; why?: string }>();
  #round: Promise<unknown> = Promise.resolve();
  #isOver = false;
  shown = 0;

  constructor(lab: Lab, startables: readonly Startable[]) {
    this.#lab = lab;
    this.#startables = startables;
  }

  /** One process more of each client, from now on in the traffic. */
  async start(when: "early" | "late"): Promise<void> {
    const started = this.#startables.map(({ client, start }) => ({
      ...{ library: client.library, when, verifier: this.#lab.verifier(client, start) },
    }));
    const { token } = await this.#lab.mint();
    for (const one of started) this.#note(one, await verdictOn(one.verifier, token));
    this.#verifiers.push(...started);
    if (when === "early") this.#round = this.#go();
  }

  async #go(): Promise<void> {
    while (!this.#isOver) {
      const { token } = await this.#lab.mint();
      await Promise.all(this.#verifiers.map(async (one) => this.#note(one, await verdictOn(one.verifier, token))));
      this.shown += 1;
      await pause(200);
    }
  }

  #note({ library, when }: { readonly library: string; readonly when: "early" | "late" }, verdict: string): void {
    const tally = this.#refused.get(library) ?? { early: 0, late: 0 };
    if (verdict !== "valid") {
      tally[when] += 1;
      tally.why = verdict;
    }
    this.#refused.set(library, tally);
  }

  /** Resolves when so many tokens more were shown. */
  async show(count: number): Promise<void> {
    const until = this.shown + count;
    while (this.shown < until) await pause(50);
  }

  /** Since the last time that it was asked. */
  refused(): Of<Refused> {
    const refused = this.#refused;
    this.#refused = new Map(this.#startables.map(({ client }) => [client.library, { early: 0, late: 0 }]));
    return refused;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#round.catch(() => undefined);
  }
}
