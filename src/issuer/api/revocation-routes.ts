import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { Clock } from "../../time/clock.ts";
import { Bell } from "../../time/bell.ts";
import type { LoggedRevocation } from "../store/revocation-log.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { formatInstant } from "../../parse/instant.ts";
import { badRequest, tryLater } from "./api-error.ts";
import { watcherBy } from "./who-asks.ts";

export interface RevocationRouteOptions {
  readonly clock: Pick<Clock, "after">;
  /** Ends every stream: the server is about to close. */
  readonly closing: AbortSignal;
  /** How many streams at once. @default 1000 */
  readonly mostStreams?: number;
}

/** So often a stream without news says that it lives. */
const heartbeatMs = 10_000;
const pageSize = 1000;

/**
 * What is revoked, for gateways: `GET /v1/revocations` is everything that is in force, with its `seq`; with `Accept: text/event-stream`
 * it goes on with each revocation after `Last-Event-ID` (HTML Living Standard §9.2), as events whose ids are their `seq`.
 */
export function revocationRoutes(api: FastifyInstance, parts: IssuerParts, options: RevocationRouteOptions): void {
  let streams = 0;
  api.get("/v1/revocations", async (request, reply) => {
    await watcherBy(parts, request);
    if (request.headers.accept !== "text/event-stream") {
      const { seq, revocations } = await parts.store.revocations(parts.nowMs());
      return { seq, revocations: revocations.map(wireOf) };
    }
    if (streams >= (options.mostStreams ?? 1000)) {
      throw tryLater("TooMany", "Cannot open one more stream");
    }
    const after = seqIn(request.headers["last-event-id"]);
    const ended = new AbortController();
    // Not the request's: that closes as soon as it is read
    reply.raw.once("close", () => ended.abort());
    streams += 1;
    const events = eventsAfter(parts, {
      after,
      clock: options.clock,
      signal: AbortSignal.any([ended.signal, options.closing]),
    });
    const stream = Readable.from(events, { objectMode: false });
    stream.once("close", () => (streams -= 1));
    return reply.type("text/event-stream").send(stream);
  });
}

function seqIn(header: string | readonly string[] | undefined): number {
  const text = typeof header === "string" ? header : "0";
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(seq)) return seq;
  throw badRequest("RequestInvalid", "Last-Event-ID must be the seq of the last revocation that was read");
}

interface RevocationsAfter {
  /** The `seq` of the last revocation that is known. */
  readonly after: number;
  readonly clock: Pick<Clock, "after">;
  readonly signal: AbortSignal;
}

async function* eventsAfter(
  { store }: IssuerParts,
  { after, clock, signal }: RevocationsAfter,
): AsyncGenerator<string, void, void> {
  const bell = new Bell(clock);
  const forget = store.onRevocation(() => bell.ring());
  let seq = after;
  try {
    yield ":\n\n";
    while (!signal.aborted) {
      const news = await store.revocationsAfter(seq, pageSize);
      for (const one of news) yield `id: ${one.seq}\ndata: ${JSON.stringify(wireOf(one))}\n\n`;
      seq = news.at(-1)?.seq ?? seq;
      if (news.length === pageSize) continue;
      await bell.sleep(heartbeatMs, signal);
      yield ":\n\n";
    }
  } finally {
    forget();
  }
}

const wireOf = ({ seq, kind, value, atMs, endsAtMs }: LoggedRevocation): object => ({
  seq,
  kind,
  value,
  at: formatInstant(atMs),
  endsAt: formatInstant(endsAtMs),
});
