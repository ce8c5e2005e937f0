import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { Log } from "../../telemetry/log.ts";
import type { RevocationLog } from "../store/revocation-log.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { badRequest, tryLater } from "./api-error.ts";
import { RevocationFeed, wireOf } from "./revocation-feed.ts";
import { RevocationStreams, type StreamsOptions } from "./revocation-streams.ts";
import type { WhoAsks } from "./who-asks.ts";

export interface RevocationRouteOptions extends StreamsOptions {
  readonly log: Log;
  readonly who: WhoAsks;
}

const eventStream = "text/event-stream";
const pageSize = 1000;
/** So long a stream waits for the first reading of the log, in milliseconds. */
const firstReadingMs = 5000;

/**
 * What is revoked, for gateways: `GET /v1/revocations` is everything that is in force, with its `seq`; with `Accept: text/event-stream` it
 * goes on with each revocation (HTML Living Standard §9.2). Without `Last-Event-ID` it begins with everything, with it after that one. The
 * ids of events are their `seq`; an event `current` says that all that is revoked has been said.
 */
export function revocationRoutes(api: FastifyInstance, parts: IssuerParts, options: RevocationRouteOptions): void {
  const { clock, chance, closing, log } = options;
  const feed = new RevocationFeed(parts.store, parts.nowMs);
  const streams = new RevocationStreams(parts, feed, options);
  const onProblem = (): void => log.debug({}, "Cannot read what was revoked: it is tried again");
  const reading = feed.run(parts.store, closing, { clock, chance, onProblem });
  api.addHook("onClose", () => reading);
  api.get("/v1/revocations", { schema: { produces: ["application/json", eventStream] } }, async (request, reply) => {
    const caller = await options.who.watcher(request);
    if (request.headers.accept?.includes(eventStream) !== true) {
      return reply.type("application/json").send(await snapshot(parts.store, parts.nowMs()));
    }
    const after = seqIn(request.headers["last-event-id"]);
    if (!(await feed.hasBegun(firstReadingMs, clock))) throw tryLater("StoreAway", "Cannot tell yet what is revoked");
    // nginx would keep what is said until it is much
    return reply.type(eventStream).header("x-accel-buffering", "no").send(streams.open(caller, after));
  });
}

function seqIn(header: string | readonly string[] | undefined): number {
  const text = typeof header === "string" ? header : "0";
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(seq)) return seq;
  throw badRequest("RequestInvalid", "Last-Event-ID must be the seq of the last revocation that was read");
}

/** Page by page: nobody who wants to renew waits until all has been read. @throws TryLaterError before the first */
async function snapshot(log: RevocationLog, nowMs: number): Promise<Readable> {
  const first = await log.revocationsAfter(0, pageSize);
  async function* pages(): AsyncGenerator<string, void, void> {
    let [page, seq, between] = [first, 0, `{"revocations":[`];
    while (page.length > 0) {
      const inForce = page.filter(({ endsAtMs }) => endsAtMs > nowMs).map((one) => JSON.stringify(wireOf(one)));
      if (inForce.length > 0) {
        yield between + inForce.join(",");
        between = ",";
      }
      seq = page.at(-1)?.seq ?? seq;
      page = await log.revocationsAfter(seq, pageSize);
    }
    yield `${between === "," ? "" : between}],"seq":${seq}}`;
  }
  return Readable.from(pages(), { objectMode: false });
}
