import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Where refresh tokens are renewed (RFC 6749 §6), and the newest ones of each client: each client has a connection and takes its own in turn. */
export interface Renewals {
  readonly port: number;
  /** Form parameters beside the grant type and the token: `client_id=bench`. */
  readonly parameters?: string;
  readonly clients: readonly string[][];
}

/** Renews for so long, each client when its last answer has come, over HTTP/1.1 with keep-alive. Answers how many it were. */
export async function renewFor(renewals: Renewals, forMs: number): Promise<number> {
  const untilMs = performance.now() + forMs;
  const done = await Promise.all(renewals.clients.map((tokens) => renewUntil(untilMs, tokens, renewals)));
  return done.reduce((sum, one) => sum + one, 0);
}

async function renewUntil(untilMs: number, tokens: string[], { port, parameters }: Renewals): Promise<number> {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  await once(socket, "connect");
  let done = 0;
  let answer = "";
  let shown = "";
  const ask = (): void => {
    shown = tokens.shift() ?? "";
    socket.write(requestFor(shown, port, parameters));
  };
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    answer += chunk;
    if (!isWhole(answer)) return;
    const successor = /^HTTP\/1\.1 200 [^]*"refresh_token":"([^"]+)"/.exec(answer)?.[1];
    // A token that comes back was not renewed: its grant was too often within one retry window
    if (successor === undefined || successor === shown) return void socket.destroy(notRenewed(answer));
    tokens.push(successor);
    done += 1;
    answer = "";
    if (performance.now() < untilMs) ask();
    else socket.end();
  });
  ask();
  await ended(socket);
  return done;
}

async function ended(socket: Socket): Promise<void> {
  await once(socket, "close");
  if (socket.errored) throw socket.errored;
}

function requestFor(token: string, port: number, parameters: string | undefined): string {
  const form = `grant_type=refresh_token&refresh_token=${token}${parameters === undefined ? "" : `&${parameters}`}`;
  const type = "application/x-www-form-urlencoded";
  const head = `POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: ${type}\r\nContent-Length: ${form.length}`;
  return `${head}\r\n\r\n${form}`;
}

function isWhole(answer: string): boolean {
  const bodyAt = answer.indexOf("\r\n\r\n") + 4;
  if (bodyAt < 4) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.slice(0, bodyAt))?.[1];
  return length === undefined ? answer.endsWith("\r\n0\r\n\r\n") : answer.length - bodyAt >= Number(length);
}

/** Not the answer: it may have tokens. */
const notRenewed = (answer: string): Error =>
  new Error(`Cannot renew: must be 200 with another refresh token, is ${answer.slice(0, answer.indexOf("\r\n"))}`);
