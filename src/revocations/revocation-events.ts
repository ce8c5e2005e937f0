import { createParser, type EventSourceMessage } from "eventsource-parser";
import { revocationKinds, type TokenRevocation } from "../jwt/revoked-set.ts";
import { readInstant } from "../parse/instant.ts";
import { jsonIn } from "../parse/json.ts";
import { membersOf } from "../parse/object.ts";
import { SourceAwayError } from "./source-away.ts";

/** What an issuer says on its stream. Each has the `seq` to go on after. */
export type RevocationEvent =
  | { readonly kind: "revoked"; readonly seq: number; readonly revocation: TokenRevocation }
  /** All that was revoked until now has been said. */
  | { readonly kind: "current"; readonly seq: number }
  /** A revocation of a kind that only a newer program knows. */
  | { readonly kind: "unknown"; readonly seq: number };

/** More than any event, in characters. */
const longestEvent = 16_384;

/** Reads one stream of events (HTML Living Standard §9.2), chunk by chunk. */
export class RevocationEvents {
  #read: RevocationEvent[] = [];
  readonly #text = new TextDecoder();
  readonly #parser = createParser({
    maxBufferSize: longestEvent,
    onEvent: (message) => {
      const event = eventOf(message);
      if (event !== undefined) this.#read.push(event);
    },
    onError: ({ type }) => {
      if (type === "max-buffer-size-exceeded") throw new SourceAwayError("says what is no event of at most 16 KiB");
    },
  });

  /** What has come whole with this chunk. @throws SourceAwayError for what can't be understood */
  read(chunk: Uint8Array): readonly RevocationEvent[] {
    this.#parser.feed(this.#text.decode(chunk, { stream: true }));
    return this.#read.splice(0);
  }
}

/** Undefined: an event that is none of ours, which is to be passed over. */
function eventOf({ event, id, data }: EventSourceMessage): RevocationEvent | undefined {
  if (event !== undefined && event !== "current") return undefined;
  const seq = id !== undefined && /^\d{1,16}$/.test(id) ? Number(id) : NaN;
  if (!Number.isSafeInteger(seq)) throw new SourceAwayError("says an event without its seq");
  return event === "current" ? { kind: "current", seq } : revocationOf(seq, data);
}

function revocationOf(seq: number, data: string): RevocationEvent {
  const { kind: name, value, at, endsAt } = membersOf(jsonIn(data));
  const [atMs, endsAtMs] = [at, endsAt].map((one) => (typeof one === "string" ? readInstant(one) : undefined));
  if (typeof name !== "string" || typeof value !== "string" || atMs === undefined || endsAtMs === undefined) {
    throw new SourceAwayError("says a revocation without its kind, value, at or endsAt");
  }
  const kind = revocationKinds.find((one) => one === name);
  return kind === undefined
    ? { kind: "unknown", seq }
    : { kind: "revoked", seq, revocation: { kind, value, atMs, endsAtMs } };
}
