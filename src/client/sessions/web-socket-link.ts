import { jsonIn } from "../../parse/json.ts";
import { membersOf } from "../../parse/object.ts";
import { bearerSubprotocol, sessionSubprotocol } from "../../sessions/protocol/subprotocols.ts";
import type { ConnectionEnd } from "../session-core/client-state.ts";
import { endOfCode, isEndCode, lostEnd, ownEnd } from "../session-core/connection-end.ts";
import { type ClientWord, frameInJson, readRenewed, type RenewedTerms, wordAsJson } from "./client-words.ts";
import type { LinkListener, LinkMaker, SessionLink } from "./session-link.ts";

/** What of a WebSocket is needed (WHATWG WebSockets §3.1), by its form: the platform's has it, that of `ws` as well. */
export interface WebSocketLike {
  /** As the standard has it. */
  addEventListener(type: "open" | "error", listener: () => void): void;
  /** As the standard has it. */
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  /** As the standard has it. */
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  /** As the standard has it. */
  send(text: string): void;
  /** As the standard has it. */
  close(code?: number, reason?: string): void;
  /** As that of `ws` has it: the standard has none, and waits for the other side. */
  terminate?(): void;
}

/** What makes one. */
export type WebSocketMaker = new (url: string, subprotocols: string[]) => WebSocketLike;

export interface WebSocketPlace {
  /** Of `ws` or `wss`. */
  readonly url: URL;
  readonly maker: WebSocketMaker;
  readonly fetch: typeof fetch;
}

/** 1000 is a farewell, after which the gateway forgets the instance; this one is none (RFC 6455 §7.4.2). */
const cutCode = 4000;
const farewellCode = 1000;

/** Connects by WebSocket. The token is a subprotocol: a browser can set no header. */
export const webSocketLinks =
  (place: WebSocketPlace): LinkMaker =>
  (token, listener) =>
    new WebSocketLink(place, token, listener);

class WebSocketLink implements SessionLink {
  readonly #place: WebSocketPlace;
  readonly #socket: WebSocketLike | undefined;
  readonly #listener: LinkListener;
  /** What was said too early; undefined once it is open. */
  #early: string[] | undefined = [];
  readonly #over: PromiseWithResolvers<void> = Promise.withResolvers();
  #isHeard = true;

  constructor(place: WebSocketPlace, token: string, listener: LinkListener) {
    this.#place = place;
    this.#listener = listener;
    try {
      this.#socket = new place.maker(place.url.href, [sessionSubprotocol, bearerSubprotocol + token]);
    } catch {
      // Not its message: it may quote the token
      queueMicrotask(() =>
        this.#lost(ownEnd("Lost", "The WebSocket could not be made: its token or address is no good")),
      );
      return;
    }
    this.#socket.addEventListener("open", () => this.#opened());
    this.#socket.addEventListener("message", ({ data }) => {
      if (this.#isHeard) listener.heard(typeof data === "string" ? frameInJson(data) : undefined);
    });
    this.#socket.addEventListener("close", ({ code, reason }) => this.#lost(endOfClose(code, reason)));
    // A close follows, and says all that can be said
    this.#socket.addEventListener("error", () => undefined);
  }

  say(word: ClientWord): void {
    const text = wordAsJson(word);
    if (this.#early) this.#early.push(text);
    else this.#socket?.send(text);
  }

  async renew(sessionId: string, token: string): Promise<RenewedTerms | undefined> {
    const { url, fetch: using } = this.#place;
    const http = new URL(url.href.replace(/^ws/, "http"));
    http.pathname = `${http.pathname.replace(/\/$/, "")}/${encodeURIComponent(sessionId)}`;
    try {
      const answer = await using(http, { method: "PUT", headers: { authorization: `Bearer ${token}` } });
      const text = await answer.text();
      return answer.ok ? readRenewed(membersOf(jsonIn(text))) : undefined;
    } catch {
      return undefined;
    }
  }

  cut(): void {
    this.#isHeard = false;
    this.#socket?.close(cutCode);
    this.#socket?.terminate?.();
  }

  leave(): Promise<void> {
    this.#isHeard = false;
    this.#socket?.close(farewellCode);
    return this.#over.promise;
  }

  #opened(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const text of early) this.#socket?.send(text);
  }

  #lost(end: ConnectionEnd): void {
    this.#over.resolve();
    if (!this.#isHeard) return;
    this.#isHeard = false;
    this.#listener.lost(end);
  }
}

/** The close frame has our code as its reason; without one the connection broke. */
const endOfClose = (code: number, reason: string): ConnectionEnd =>
  isEndCode(reason) ? endOfCode(reason, `The gateway has closed the connection (${code})`) : lostEnd;
