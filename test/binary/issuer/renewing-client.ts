import { setTimeout as tick } from "node:timers/promises";
import { basic } from "../../issuer/api/support/world.ts";

/** What is renewed: a pair, as its owner has it. */
interface Pair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

interface Answered {
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * A client as RFC 6749 has it: it renews with the token that it has, keeps that until an answer comes, and asks again with the same one
 * when none came (a connection that broke, or 503). It never shows its secret again, so nothing forgives it a mistake.
 */
export class RenewingClient {
  readonly #address: string;
  #pair: Pair;
  /** Renewals that were answered. */
  renewals = 0;
  /** Requests whose answer was lost: they may have been carried out. */
  lost = 0;
  /** Requests that nobody took: no connection. */
  unheard = 0;
  /** Answers that said "try again". */
  later = 0;

  private constructor(address: string, pair: Pair) {
    this.#address = address;
    this.#pair = pair;
  }

  /** Signs in with its secret. */
  static async begin(address: string): Promise<RenewingClient> {
    const body = new URLSearchParams({ grant_type: "client_credentials" });
    const headers = { authorization: basic() };
    const answer = await fetch(`${address}/oauth2/token`, { method: "POST", body, headers });
    return new RenewingClient(address, pairIn(await fieldsOf(answer)));
  }

  get accessToken(): string {
    return this.#pair.accessToken;
  }

  get refreshToken(): string {
    return this.#pair.refreshToken;
  }

  /** Until it is answered. @throws Error when the grant is lost */
  async renew(): Promise<string> {
    for (;;) {
      const answer = await this.#ask();
      if (answer === "lost" || answer === "unheard") this[answer]++;
      else if (answer.status === 503) this.later++;
      else {
        this.#pair = pairIn(answer.fields);
        this.renewals++;
        return this.#pair.accessToken;
      }
      await tick(20);
    }
  }

  /** `lost`: no answer, or not all of it. */
  async #ask(): Promise<Answered | "lost" | "unheard"> {
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: this.#pair.refreshToken });
    try {
      const answer = await fetch(`${this.#address}/oauth2/token`, { method: "POST", body });
      return { status: answer.status, fields: await fieldsOf(answer) };
    } catch (error) {
      return error instanceof Error && isRefused(error) ? "unheard" : "lost";
    }
  }
}

function pairIn(fields: Readonly<Record<string, unknown>>): Pair {
  const { access_token: accessToken, refresh_token: refreshToken } = fields;
  if (typeof accessToken === "string" && typeof refreshToken === "string") return { accessToken, refreshToken };
  throw new Error(`A grant is lost: ${JSON.stringify(fields)}`);
}

/** The members of an answer's object. */
async function fieldsOf(answer: Response): Promise<Readonly<Record<string, unknown>>> {
  const read: unknown = await answer.json();
  return { ...(read as object) };
}

const isRefused = ({ cause }: { cause?: unknown }): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
