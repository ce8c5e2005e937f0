import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { isLoopback } from "../../http/remote-address.ts";
import type { GrpcMetadata } from "../keep/grpc-credentials.ts";
import type { SessionState } from "../session-core/client-state.ts";
import type { SessionTokens } from "./client-runner.ts";
import type { MessageHandler } from "./deliveries.ts";
import { grpcLinks, type GrpcSessionsLibrary } from "./grpc-link.ts";
import type { LinkMaker } from "./session-link.ts";
import { webSocketLinks, type WebSocketMaker } from "./web-socket-link.ts";

/** Whose sessions are kept, and where. */
export interface SessionOptions<Metadata extends GrpcMetadata, Credentials> {
  /**
   * Of the gateway: `wss://gateway.example/sessions` for WebSocket; `https://gateway.example:9443` with `grpc`. `ws` and `http` are for this machine
   * alone, unless {@link plainText} says otherwise. @default of the path: `/sessions`
   */
  readonly url: string | URL;
  /** Where the token comes from. */
  readonly keeper: SessionTokens;
  /**
   * Tells this process from others with the same subject, 1 to 128 characters; it is kept through reconnects. Two that use one at the same time take
   * the session from each other.
   */
  readonly instanceId: string;
  /** `@grpc/grpc-js`, as it was imported: then it is used instead of WebSocket. */
  readonly grpc?: GrpcSessionsLibrary<Metadata, Credentials>;
  /** Who may have signed the gateway's certificate, PEM; for gRPC alone. @default whom Node.js trusts */
  readonly ca?: string;
  /** Makes WebSockets, as that of `ws` for a CA or a proxy of one's own. @default the platform's */
  readonly webSocket?: WebSocketMaker;
  /** Asks the gateway for a renewal in place over WebSocket. @default the global one */
  readonly fetch?: typeof fetch;
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
export function linksOf<Metadata extends GrpcMetadata, Credentials>(
  options: SessionOptions<Metadata, Credentials>,
): LinkMaker {
  const { grpc, ca, webSocket = WebSocket, fetch: using = fetch, plainText = false } = options;
  const url = readUrl(options.url, grpc ? grpcSchemes : webSocketSchemes);
  if (!plainText && /^(?:ws|http):$/.test(url.protocol) && !isLoopback(url))
    throw invalid("url", "must be encrypted, except on this machine");
  if (grpc) return grpcLinks(grpc, { url, ...(ca !== undefined && { ca }) });
  if (url.pathname === "/") url.pathname = "/sessions";
  return webSocketLinks({ url, maker: webSocket, fetch: using });
}

/** @throws ChangeNeededError `OptionsInvalid` */
export function readInstanceId(id: string): string {
  if (id === "" || id.length > longestName) throw invalid("instanceId", `must have 1 to ${longestName} characters`);
  return id;
}

export const longestName = 128;
const webSocketSchemes = { "https:": "wss:", "http:": "ws:", "wss:": "wss:", "ws:": "ws:" } as const;
const grpcSchemes = { "https:": "https:", "http:": "http:" } as const;

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
