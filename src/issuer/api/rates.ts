import rateLimit, { normalizeIP } from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Caller } from "../callers/caller.ts";
import { AnswerError } from "./api-error.ts";

/** How often who may ask; each process counts for itself. */
export interface Rates {
  /** Before credentials are looked at. @throws AnswerError 429, where too many of this address were no good just now */
  beforeProof(request: FastifyRequest): Promise<void>;
  /** They were no good. */
  failed(request: FastifyRequest): Promise<void>;
  /** They were good. @throws AnswerError 429, where he asks more often than he may */
  proven(request: FastifyRequest, caller: Caller): Promise<void>;
}

/** Of what an address may ask, so little may fail: whoever guesses secrets is slower by that. */
const failedShare = 0.1;
/** Counted from the first request on; in milliseconds. */
const timeWindow = 1000;

/**
 * Limits every route to so many requests a second of one address, of IPv6 of one network of 64 bits, which a single machine may have;
 * and answers who counts the rest.
 */
export async function limitRates(api: FastifyInstance, mostASecond: number): Promise<Rates> {
  await api.register(rateLimit, {
    ...{ max: mostASecond, timeWindow, keyGenerator: addressOf },
    errorResponseBuilder: (_request, { ttl }) => tooMany("TooMany", ttl),
  });
  const failures = api.createRateLimit({ max: Math.max(1, Math.ceil(mostASecond * failedShare)) });
  const callers = new WeakMap<FastifyRequest, Caller>();
  const ofCaller = api.createRateLimit({
    max: (request) => callers.get(request)?.allowed.requestRate ?? 0,
    keyGenerator: (request) => nameOf(callers.get(request)),
  });
  return {
    beforeProof: async (request) => {
      const now = await failures(request, { increment: false });
      if (!now.isAllowed && now.remaining === 0) throw tooMany("TooManyFailed", now.ttl);
    },
    failed: async (request) => {
      await failures(request);
    },
    proven: async (request, caller) => {
      callers.set(request, caller);
      const now = await ofCaller(request);
      if (!now.isAllowed && now.isExceeded) throw tooMany("TooManyOfCaller", now.ttl);
    },
  };
}

/** Of a Unix socket, or of a connection that is gone, there is none: all of them are one. */
const addressOf = ({ ip, socket }: FastifyRequest): string =>
  socket.remoteAddress === undefined ? "" : normalizeIP(ip, 64);

/** Nobody has the name of another one: no issuer and no id has a line break. */
function nameOf(caller: Caller | undefined): string {
  if (caller === undefined) return "";
  return caller.kind === "client" ? caller.clientId : `${caller.issuer}\n${caller.foreignSubject}`;
}

const tooMany = (code: string, ttlMs: number): AnswerError =>
  new AnswerError({
    ...{ status: 429, error: "temporarily_unavailable", code, message: "Must ask less often" },
    headers: { "retry-after": String(Math.max(1, Math.ceil(ttlMs / 1000))) },
  });
