import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly cacheControl: string;
}

export interface Question {
  readonly path: string;
  readonly authorization?: string;
  /** Sent by POST, as JSON. */
  readonly json?: unknown;
}

/** Who takes longer does not answer: that is no refusal. */
const patienceMs = 10_000;

/** Asks one server over connections that are kept. */
export class Asker {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** @returns undefined when nobody answers */
  async ask({ path, authorization, json }: Question): Promise<Reply | undefined> {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const headers = {
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    };
    const options = { host: "127.0.0.1", port: this.#port, path, agent: this.#agent, headers };
    return new Promise<Reply | undefined>((resolve) => {
      const signal = AbortSignal.timeout(patienceMs);
      const method = body === undefined ? "GET" : "POST";
      const sent = request({ ...options, method, signal }, (response) => {
        const cacheControl = response.headers["cache-control"] ?? "";
        const status = response.statusCode ?? 0;
        text(response).then(
          (all) => resolve({ status, cacheControl, body: all }),
          () => resolve(undefined),
        );
      });
      sent.on("error", () => resolve(undefined));
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
