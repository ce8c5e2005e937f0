import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { isLoopback } from "../../http/remote-address.ts";
import type { SessionState } from "../session-core/client-state.ts";
import type { SessionTokens } from "./client-runner.ts";
import type { MessageHandler } from "./deliveries.ts";
import type { LinkMaker } from "./session-link.ts";
import { type SessionTransport, webSocketTransport } from "./session-transport.ts";

/** Whose sessions are kept, and where. */
export interface SessionOptions {
  /**
   * Of the gateway: `wss://gateway.example/sessions` for WebSocket, `https://gateway.example:9443` for gRPC. What is not encrypted (`ws`, `http`) is for this
   * machine alone, unless {@link plainText} says otherwise. @default of a WebSocket's path: `/sessions`
   */
  readonly url: string | URL;
  /** Where the token comes from. */
  readonly keeper: SessionTokens;
  /**
   * Tells this process from others with the same subject, 1 to 128 characters; it is kept through reconnects. Two that use one at the same time take
   * the session from each other.
   */
  readonly instanceId: string;
  /** @default webSocketTransport() */
  readonly transport?: SessionTransport;
  /** True: also in clear text to other machines. Whoever is on the way hears the token. @default false */
  readonly plainText?: boolean;
  /**
   * `reconnect`: each newer token opens the next session, which may be at another replica. `inPlace`: the session that is open goes on with it, and
   * where the gateway does not take that it is a reconnect all the same. @default reconnect
   */
  readonly renewal?: "reconnect" | "inPlace";
  /** Hears messages one after the other; without it they are picked up by `for await`, or {@link SessionClient.next}. */
  readonly onMessage?: MessageHandler;
  /** Hears every state, in a turn of its own. */
  readonly onState?: (state: SessionState) => void;
  /** So many messages of {@link SessionClient.send} may wait for their turn. @default 1024 */
  readonly waitingMessages?: number;
  /** So many bytes of them. @default 16777216 */
  readonly waitingBytes?: number;
}

/** @throws ChangeNeededError `OptionsInvalid` */
export function linksOf(options: Pick<SessionOptions, "url" | "transport" | "plainText">): LinkMaker {
  const { transport = webSocketTransport(), plainText = false } = options;
  const url = readUrl(options.url, transport.schemes);
  if (!plainText && /^(?:ws|http):$/.test(url.protocol) && !isLoopback(url))
    throw invalid("url", "must be encrypted, except on this machine");
  return transport.linksTo(url);
}

/** @throws ChangeNeededError `OptionsInvalid` */
export function readInstanceId(id: string): string {
  if (!isId(id)) throw invalid("instanceId", `must have 1 to ${longestId} characters, none of them half of a pair`);
  return id;
}

/** Of instances and messages, in characters. */
export const longestId = 128;

/** Another one breaks the protocol, and with it the session. */
export const isId = (text: string): boolean => text !== "" && text.length <= longestId && text.isWellFormed();

function readUrl(given: string | URL, schemes: Readonly<Record<string, string>>): URL {
  const url = URL.canParse(String(given)) ? new URL(String(given)) : undefined;
  const scheme = url && schemes[url.protocol];
  if (url === undefined || scheme === undefined)
    throw invalid("url", `must be a URL of ${Object.keys(schemes).join(" ").replaceAll(":", "")}`);
  if (url.username !== "" || url.password !== "") throw invalid("url", "must be without a user and password");
  return new URL(url.href.replace(url.protocol, scheme));
}

const invalid = (option: string, what: string): ChangeNeededError =>
  new ChangeNeededError("OptionsInvalid", `Cannot keep a session: ${option} ${what}`);
