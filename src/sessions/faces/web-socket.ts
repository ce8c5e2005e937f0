import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { pathOf, sendEmpty, sendText } from "../../http/answer.ts";
import { type BearerCredentials, bearerOf } from "../../http/bearer.ts";
import type { Face } from "../../http/listener.ts";
import { sendProblem } from "../../http/problem.ts";
import { jsonIn } from "../../parse/json.ts";
import type { SessionEnd } from "../core/session-end.ts";
import { endReasons, webSocketCodes } from "../protocol/end-statuses.ts";
import { LastWords } from "../protocol/last-words.ts";
import { jsonFrame, readClientFrame } from "../protocol/session-frames.ts";
import { bearerSubprotocol, sessionSubprotocol } from "../protocol/subprotocols.ts";
import type { SessionPipe } from "../session-connection.ts";
import type { SessionService } from "../session-service.ts";
import { waitingBounds } from "./waiting-bounds.ts";

const path = "/sessions";

/** A message of 64 KiB in base64, with room for the rest. */
const longestText = 98_304;
/** A client that does not answer the close is cut off after so long, in milliseconds. */
const closeTimeout = 1000;
/** As ws takes text without looking at it. */
const lastWords = new LastWords((frame) => Buffer.from(jsonFrame(frame)));

export interface WebSocketOptions {
  /** Pages of these origins may connect; whoever sends no `Origin` is no page. */
  readonly origins: readonly string[];
}

/** `GET /sessions` as a WebSocket (RFC 6455), `PUT /sessions/ID` with another token. */
export function webSocketFace(service: SessionService, { origins }: WebSocketOptions): Face {
  const sockets = new WebSocketServer({
    ...{ noServer: true, maxPayload: longestText, perMessageDeflate: false, clientTracking: false, closeTimeout },
    // Never the one with the token
    handleProtocols: (offered) => (offered.has(sessionSubprotocol) ? sessionSubprotocol : false),
  });
  return {
    handler: (request, response) => renewOver(service, { request, response }),
    upgrade: (request, socket, head) => {
      socket.on("error", () => undefined);
      const refusal = refusalOf(request, origins);
      if (refusal !== undefined) {
        refuse(socket, refusal);
        return;
      }
      const credentials = credentialsOf(request);
      if ("flaw" in credentials) {
        refuse(socket, "401 Unauthorized\r\nwww-authenticate: Bearer");
        return;
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        serve(service, { webSocket, socket }, credentials.token);
      });
    },
  };
}

function refusalOf({ url, headers }: IncomingMessage, origins: readonly string[]): string | undefined {
  if (pathOf(url) !== path) return "404 Not Found";
  const { origin } = headers;
  return origin === undefined || origins.includes(origin) ? undefined : "403 Forbidden";
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

/** Of the header; or of a browser, which can set none, among the subprotocols. Both are one too many. */
function credentialsOf({ rawHeaders, headers }: IncomingMessage): BearerCredentials {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
  const tokens = offered
    .filter((one) => one.startsWith(bearerSubprotocol))
    .map((one) => one.slice(bearerSubprotocol.length));
  return bearerOf([...rawHeaders, ...tokens.flatMap((token) => ["authorization", `Bearer ${token}`])]);
}

interface Served {
  readonly webSocket: WebSocket;
  /** What it is made of. */
  readonly socket: Duplex;
}

function serve(service: SessionService, { webSocket, socket }: Served, token: string): void {
  const most = waitingBounds(service.rules);
  let frames = 0;
  const written = (): void => {
    frames -= 1;
  };
  const pipe: SessionPipe = {
    send: (frame) => {
      if (frames >= most.frames || webSocket.bufferedAmount > most.bytes) {
        webSocket.terminate();
        return;
      }
      frames += 1;
      webSocket.send(jsonFrame(frame), written);
    },
    close: (end) => closeWith(end, { webSocket, socket }),
  };
  webSocket.on("error", () => undefined);
  const input = service.connect(token, pipe);
  webSocket.on("message", (data, isBinary) => {
    input.heard(isBinary || !Buffer.isBuffer(data) ? undefined : readClientFrame(jsonIn(data.toString("utf8"))));
  });
  // 1000: done; 1001: a page that is left (RFC 6455 §7.4.1)
  webSocket.on("close", (code) => input.lost(code === 1000 || code === 1001));
}

/** Both frames in one packet. */
function closeWith(end: SessionEnd, { webSocket, socket }: Served): void {
  socket.cork();
  webSocket.send(lastWords.of(end), { binary: false });
  webSocket.close(webSocketCodes[end.code], end.code);
  socket.uncork();
}

function renewOver(
  service: SessionService,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): void {
  const id = new RegExp(`^${path}/([\\w-]{1,128})$`).exec(pathOf(request.url))?.[1];
  if (id === undefined) {
    sendEmpty(response, pathOf(request.url) === path ? 426 : 404, ["upgrade", "websocket"]);
    return;
  }
  if (request.method !== "PUT") {
    sendEmpty(response, 405, ["allow", "PUT"]);
    return;
  }
  const credentials = bearerOf(request.rawHeaders);
  if ("flaw" in credentials) {
    sendEmpty(response, 401, ["www-authenticate", "Bearer"]);
    return;
  }
  const renewal = service.renew(id, credentials.token);
  if (renewal.kind === "renewed") {
    const headers = ["cache-control", "no-store"];
    sendText(response, { status: 200, type: "application/json", body: `${jsonFrame(renewal.frame)}\n`, headers });
  } else if (renewal.kind === "tooLate") {
    sendProblem(response, { status: 409, code: "TooLate", title: "The session is over, or the token ends sooner" });
  } else {
    const { code } = renewal.end;
    sendProblem(response, { status: webSocketCodes[code] - 4000, code, title: endReasons[code] });
  }
}
