import { Agent, type AgentOptions } from "node:http";
import { ChangeNeededError, type KeyturnError, TryLaterError } from "../../errors/keyturn-error.ts";
import { type Address, addressText } from "../../http/address.ts";
import { Exchange, type ExchangeErrors, type Method } from "../../http/exchange.ts";
import type { FreshToken } from "../../identity/kept-identity.ts";
import { Cursor } from "../../parse/cursor.ts";
import { jsonIn } from "../../parse/json.ts";
import { membersOf } from "../../parse/object.ts";
import type { Clock } from "../../time/clock.ts";
import { type IdentityDocument, readIdentityDocument } from "./identity-document.ts";
import { agentHeader } from "./request-guard.ts";
import { readTokenDocument } from "./token-document.ts";

/** A token that must be renewed first is waited for, longer than the agent waits for its issuer. */
const patienceMs = 30_000;
/** More than one agent has. */
const mostIdentities = 1_000_000;

/**
 * Asks an agent that runs. Each method throws ChangeNeededError (`NoAgent`, `AgentDenied`, `NotAnAgent`) or TryLaterError (`AgentAway`), or one of
 * them with the code that the agent answers: `IdentityUnknown`.
 */
export class AgentClient {
  readonly #address: Address;
  readonly #clock: Clock;

  constructor(address: Address, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
  }

  async identities(): Promise<readonly IdentityDocument[]> {
    const answer = await this.#ask("GET", "/v1/identities");
    return answer.fields().at("items").list(mostIdentities).map(readIdentityDocument);
  }

  async identity(name: string): Promise<IdentityDocument> {
    return readIdentityDocument(await this.#ask("GET", pathOf(name)));
  }

  async token(name: string): Promise<FreshToken> {
    return readTokenDocument(await this.#ask("GET", `${pathOf(name)}/token`));
  }

  /** By hand: past throttle and back-off. */
  async refresh(name: string): Promise<FreshToken> {
    return readTokenDocument(await this.#ask("POST", `${pathOf(name)}/refresh`));
  }

  async #ask(method: Method, path: string): Promise<Cursor> {
    const place = placeOf(this.#address);
    const through: AgentOptions & { readonly socketPath?: string } =
      this.#address.kind === "unix" ? { socketPath: this.#address.path } : {};
    const agent = new Agent(through);
    const exchange = new Exchange({
      url: new URL(path, originOf(this.#address)),
      headers: Object.fromEntries([agentHeader, ["accept", "application/json"]]),
      ...{ method, agent, errors: errorsOf(place), timeoutMs: patienceMs, clock: this.#clock },
    });
    try {
      const head = await exchange.head();
      const value = jsonIn(await exchange.text(head));
      if (head.statusCode !== 200) throw refusalOf(place, head.statusCode ?? 0, value);
      return new Cursor(value, "$", { code: "NotAnAgent", action: `Cannot read what ${place} answers` });
    } finally {
      agent.destroy();
    }
  }
}

const pathOf = (name: string): string => `/v1/identities/${encodeURIComponent(name)}`;

const placeOf = (address: Address): string => `the agent at ${addressText(address)}`;

const originOf = (address: Address): string => {
  if (address.kind === "unix") return "http://localhost";
  const { host = "127.0.0.1", port } = address;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
};

/** What the agent itself says no to, or another program. */
function refusalOf(place: string, status: number, value: unknown): KeyturnError {
  const { code, title, detail } = membersOf(value);
  if (typeof code !== "string" || typeof title !== "string") {
    return new ChangeNeededError("NotAnAgent", `Cannot ask ${place}: must be keyturn agent, answers ${status}`);
  }
  const message = typeof detail === "string" ? detail : `Cannot do what was asked for: ${title}`;
  return status === 503 ? new TryLaterError(code, message) : new ChangeNeededError(code, message);
}

function errorsOf(place: string): ExchangeErrors {
  const away = (problem: string): TryLaterError => new TryLaterError("AgentAway", `Cannot ask ${place}: ${problem}`);
  return {
    timedOut: (timeoutMs) => away(`must answer within ${timeoutMs / 1000} s`),
    stopped: () => away("stopped"),
    broken: (problem, _, errno = "") => {
      if (errno === "ENOENT" || errno === "ECONNREFUSED") {
        return new ChangeNeededError("NoAgent", `Cannot ask ${place}: must run, nobody listens there`);
      }
      if (errno !== "EACCES" && errno !== "EPERM") return away(`must answer: ${problem}`);
      const must = "must be opened by the user of its socket, or by somebody of the group";
      return new ChangeNeededError("AgentDenied", `Cannot ask ${place}: ${must}`);
    },
  };
}
