import type { GrpcMetadata } from "../keep/grpc-credentials.ts";
import { grpcLinks, type GrpcSessionsLibrary } from "./grpc-link.ts";
import type { LinkMaker } from "./session-link.ts";
import { webSocketLinks, type WebSocketMaker } from "./web-socket-link.ts";

/** What a session goes over: made by {@link webSocketTransport} or {@link grpcTransport}. */
export class SessionTransport {
  /** For people. */
  readonly name: "WebSocket" | "gRPC";
  /** @internal Which schemes of a URL it takes, and as what. */
  readonly schemes: Readonly<Record<string, string>>;
  /** @internal */
  readonly linksTo: (url: URL) => LinkMaker;

  /** @internal */
  constructor({ name, schemes, linksTo }: Pick<SessionTransport, "name" | "schemes" | "linksTo">) {
    this.name = name;
    this.schemes = schemes;
    this.linksTo = linksTo;
  }
}

/** What {@link webSocketTransport} uses. */
export interface WebSocketMeans {
  /** Makes WebSockets, as that of `ws` for a CA or a proxy of one's own. @default the platform's */
  readonly webSocket?: WebSocketMaker;
  /** Asks for renewals in place. @default the global one */
  readonly fetch?: typeof fetch;
}

/** WebSocket (RFC 6455), in browsers as well. The token is a subprotocol: a browser can set no header. */
export const webSocketTransport = (means: WebSocketMeans = {}): SessionTransport =>
  new SessionTransport({
    name: "WebSocket",
    schemes: { "https:": "wss:", "http:": "ws:", "wss:": "wss:", "ws:": "ws:" },
    linksTo: (url) => {
      const { webSocket: maker = WebSocket, fetch: using = fetch } = means;
      const at = new URL(url);
      if (at.pathname === "/") at.pathname = "/sessions";
      return webSocketLinks({ url: at, maker, fetch: using });
    },
  });

/** What {@link grpcTransport} uses. */
export interface GrpcMeans {
  /** Who may have signed the gateway's certificate, PEM. @default whom Node.js trusts */
  readonly ca?: string;
}

/** gRPC, by `@grpc/grpc-js`, which is given as it was imported. */
export const grpcTransport = <CallMetadata extends GrpcMetadata, ChannelCredentials>(
  grpc: GrpcSessionsLibrary<CallMetadata, ChannelCredentials>,
  { ca }: GrpcMeans = {},
): SessionTransport =>
  new SessionTransport({
    name: "gRPC",
    schemes: { "https:": "https:", "http:": "http:" },
    linksTo: (url) => grpcLinks(grpc, { url, ...(ca !== undefined && { ca }) }),
  });
