import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { freePort } from "../../../hack/free-port.ts";

/** What was asked of the issuer's token endpoint. Instants are of this process's monotonic clock. */
export interface TokenAsk {
  readonly client: string;
  readonly grantType: string;
  readonly atMs: number;
}

/** What somebody on the way answers in the issuer's place. */
export interface ForeignAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** When something happens with a request: it came, the issuer has answered it, whoever asked has the answer. */
export type Moment = "came" | "answered" | "passed";

/** An HTTP proxy between agents and their issuer. */
export class Way {
  readonly origin: string;
  readonly asked: TokenAsk[] = [];
  /** Answers a request in the issuer's place, where it is not undefined. */
  instead: (ask: TokenAsk) => ForeignAnswer | undefined = () => undefined;
  onMoment: (moment: Moment) => void = () => undefined;
  readonly #issuer: string;
  readonly #server: Server;

  private constructor(issuer: string, port: number) {
    this.origin = `http://127.0.0.1:${port}`;
    this.#issuer = issuer;
    this.#server = createServer((request, response) => {
      response.on("finish", () => this.onMoment("passed"));
      void this.#answerTo(request).then((answer) => {
        if (answer === undefined) response.destroy();
        else response.writeHead(answer.status, { ...answer.headers }).end(answer.body);
      });
    });
  }

  /** @param issuer - Its origin */
  static async begin(issuer: string): Promise<Way> {
    const port = await freePort();
    const way = new Way(issuer, port);
    way.#server.listen(port, "127.0.0.1");
    await once(way.#server, "listening");
    return way;
  }

  /** How often one client asked. */
  asksOf(client: string): number {
    return this.asked.filter((one) => one.client === client).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Undefined where the issuer is away: the connection ends. */
  async #answerTo(request: IncomingMessage): Promise<ForeignAnswer | undefined> {
    const { url = "", method = "", headers } = request;
    const body = await text(request).catch(() => "");
    const ask = askIn(headers.authorization, body);
    this.asked.push(ask);
    this.onMoment("came");
    const instead = this.instead(ask);
    if (instead) return instead;
    const { authorization = "", "content-type": type = "" } = headers;
    const sent = { method, body, headers: { authorization, "content-type": type } };
    try {
      const answer = await fetch(`${this.#issuer}${url}`, sent);
      const passed = { status: answer.status, headers: kept(answer.headers), body: await answer.text() };
      this.onMoment("answered");
      return passed;
    } catch {
      return undefined;
    }
  }
}

const kept = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ["content-type", "cache-control", "retry-after"].flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );

function askIn(authorization = "", body = ""): TokenAsk {
  const basic = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString();
  const [client = ""] = basic.split(":");
  const form = new URLSearchParams(body);
  const grantType = form.get("grant_type") ?? "";
  return { client: decodeURIComponent(client) || (form.get("client_id") ?? ""), grantType, atMs: performance.now() };
}

/** As a proxy says it that reaches nobody. */
export const badGateway: ForeignAnswer = {
  status: 502,
  headers: { "content-type": "text/html" },
  body: "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
};

export const tooMany = (seconds: number): ForeignAnswer => ({
  status: 429,
  headers: { "content-type": "text/plain", "retry-after": String(seconds) },
  body: "slow down",
});
