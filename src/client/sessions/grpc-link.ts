import { ProtobufMessage } from "../../parse/protobuf.ts";
import { sessionMessages } from "../../sessions/protocol/session-messages.ts";
import type { GrpcMetadata } from "../keep/grpc-credentials.ts";
import type { ConnectionEnd } from "../session-core/client-state.ts";
import { endOfCode, isEndCode, lostEnd, ownEnd } from "../session-core/connection-end.ts";
import { type ClientWord, frameInProtobuf, readRenewed, type RenewedTerms, wordAsProtobuf } from "./client-words.ts";
import type { LinkListener, LinkMaker, SessionLink } from "./session-link.ts";

/** How a call ended, by its form. */
export interface GrpcCallEnd {
  /** As grpc-js has it. */
  readonly code: number;
  /** Trailers, as grpc-js has them. */
  readonly metadata: { get(name: string): readonly unknown[] };
}

/** A stream both ways, by its form. */
export interface GrpcStream {
  /** As grpc-js has it. */
  write(word: Uint8Array): unknown;
  /** As grpc-js has it. */
  end(): unknown;
  /** As grpc-js has it. */
  cancel(): void;
  /** As grpc-js has it. */
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  /** As grpc-js has it. */
  on(event: "status", listener: (status: GrpcCallEnd) => void): unknown;
  /** As grpc-js has it. */
  on(event: "error", listener: () => void): unknown;
}

/** What makes calls, by its form. */
export interface GrpcCaller<Metadata> {
  /** As grpc-js has it. */
  makeBidiStreamRequest(
    path: string,
    serialize: (words: Uint8Array) => Buffer,
    deserialize: (bytes: Buffer) => Uint8Array,
    metadata: Metadata,
  ): GrpcStream;
  /** As grpc-js has it. */
  makeUnaryRequest(
    path: string,
    serialize: (words: Uint8Array) => Buffer,
    deserialize: (bytes: Buffer) => Uint8Array,
    argument: Uint8Array,
    metadata: Metadata,
    callback: (error: unknown, answer?: Uint8Array) => void,
  ): unknown;
  /** As grpc-js has it. */
  close(): void;
}

/** What of `@grpc/grpc-js` sessions need, by its form: it is given as it was imported, and no dependency. */
export interface GrpcSessionsLibrary<CallMetadata extends GrpcMetadata, ChannelCredentials> {
  /** As grpc-js has it. */
  readonly Client: new (address: string, credentials: ChannelCredentials, options: object) => GrpcCaller<CallMetadata>;
  /** As grpc-js has it. */
  readonly Metadata: new () => CallMetadata;
  /** As grpc-js has it. */
  readonly credentials: {
    /** As grpc-js has it. */
    createInsecure(): ChannelCredentials;
    /** As grpc-js has it. */
    createSsl(rootCerts?: Buffer | null): ChannelCredentials;
  };
}

export interface GrpcPlace {
  /** Of `http` or `https`. */
  readonly url: URL;
  /** Who may have signed the certificate, PEM. */
  readonly ca?: string;
}

/** Connects by gRPC: each session over a connection of its own, so that it may come to another replica than the one before. */
export function grpcLinks<Metadata extends GrpcMetadata, Credentials>(
  grpc: GrpcSessionsLibrary<Metadata, Credentials>,
  { url, ca }: GrpcPlace,
): LinkMaker {
  const credentials =
    url.protocol === "http:"
      ? grpc.credentials.createInsecure()
      : grpc.credentials.createSsl(ca === undefined ? null : Buffer.from(ca));
  const address = url.port === "" ? `${url.hostname}:${url.protocol === "http:" ? 80 : 443}` : url.host;
  const options = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 };
  return (token, listener) => new GrpcLink(new grpc.Client(address, credentials, options), grpc, { token, listener });
}

const service = "/keyturn.sessions.v1.Sessions";
const renewRequest = new ProtobufMessage(sessionMessages, "RenewRequest");
const renewed = new ProtobufMessage(sessionMessages, "Renewed");
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const asBytes = (bytes: Buffer): Uint8Array => bytes;

class GrpcLink<Metadata extends GrpcMetadata> implements SessionLink {
  readonly #caller: GrpcCaller<Metadata>;
  readonly #metadataFor: (token: string) => Metadata | undefined;
  readonly #stream: GrpcStream | undefined;
  readonly #over: PromiseWithResolvers<void> = Promise.withResolvers();
  #isHeard = true;

  constructor(
    caller: GrpcCaller<Metadata>,
    { Metadata }: Pick<GrpcSessionsLibrary<Metadata, unknown>, "Metadata">,
    { token, listener }: { readonly token: string; readonly listener: LinkListener },
  ) {
    this.#caller = caller;
    this.#metadataFor = (shown) => {
      const metadata = new Metadata();
      try {
        metadata.set("authorization", `Bearer ${shown}`);
        return metadata;
      } catch {
        // Not its message: it quotes the token
        return undefined;
      }
    };
    const metadata = this.#metadataFor(token);
    if (metadata === undefined) {
      queueMicrotask(() => this.#lost(listener, ownEnd("Lost", "The call could not be made: its token is no good")));
      return;
    }
    this.#stream = caller.makeBidiStreamRequest(`${service}/Connect`, asBuffer, asBytes, metadata);
    this.#stream.on("data", (bytes) => {
      if (this.#isHeard) listener.heard(frameInProtobuf(bytes));
    });
    // The status says the same, and more
    this.#stream.on("error", () => undefined);
    this.#stream.on("status", (status) => this.#lost(listener, endOfStatus(status)));
  }

  #lost(listener: LinkListener, end: ConnectionEnd): void {
    this.#caller.close();
    this.#over.resolve();
    if (!this.#isHeard) return;
    this.#isHeard = false;
    listener.lost(end);
  }

  say(word: ClientWord): void {
    this.#stream?.write(wordAsProtobuf(word));
  }

  renew(sessionId: string, token: string): Promise<RenewedTerms | undefined> {
    const { promise, resolve } = Promise.withResolvers<RenewedTerms | undefined>();
    const metadata = this.#metadataFor(token);
    if (metadata === undefined) return Promise.resolve(undefined);
    const request = renewRequest.write({ sessionId });
    this.#caller.makeUnaryRequest(
      ...([`${service}/Renew`, asBuffer, asBytes, request, metadata] as const),
      (error, answer) => {
        const read = answer === undefined || error ? undefined : renewed.read(answer);
        resolve(read && readRenewed(read));
      },
    );
    return promise;
  }

  cut(): void {
    this.#isHeard = false;
    this.#stream?.cancel();
  }

  leave(): Promise<void> {
    this.#isHeard = false;
    this.#stream?.end();
    return this.#over.promise;
  }
}

/** Of a gateway that has said it in the trailers; or of a proxy before it. */
function endOfStatus({ code, metadata }: GrpcCallEnd): ConnectionEnd {
  const trailer = (name: string): string => {
    const [value] = metadata.get(name);
    return typeof value === "string" ? value : "";
  };
  const name = trailer("keyturn-code");
  if (isEndCode(name)) {
    const [isRetryable, afterMs] = [trailer("keyturn-retry") !== "false", Number(trailer("keyturn-after-ms"))];
    return { ...ownEnd(name, "The gateway has ended the call"), isRetryable, afterMs: afterMs > 0 ? afterMs : 0 };
  }
  return code === unauthenticated ? endOfCode("TokenRefused", "The call was refused as unauthenticated") : lostEnd;
}

/** UNAUTHENTICATED (https://grpc.io/docs/guides/status-codes/). */
const unauthenticated = 16;
