/** The WebSocket subprotocol (RFC 6455 §1.9) that a client asks for, and is said back. */
export const sessionSubprotocol = "keyturn.sessions.v1";

/** A client that can set no header, as a browser, asks for a second one: this and its token. */
export const bearerSubprotocol = "keyturn.bearer.";
