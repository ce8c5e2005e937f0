import type { ExchangeFailure, IdentityTrouble, ShownCredential } from "../../identity/machine/identity-state.ts";
import type { PairIssuer } from "../../identity/pair-issuer.ts";
import { type Clock, sleep } from "../../time/clock.ts";
import type { IdentitySpec, SourceSpec } from "../agent-spec.ts";
import { AskGate, type GateOptions } from "./ask-gate.ts";

/** Ten thousand identities that begin at once open no ten thousand connections; and nobody waits for long behind an issuer that hangs. */
const asking: GateOptions = { most: 32, patienceMs: 10_000 };
const revoking: GateOptions = { most: 8, patienceMs: 60_000 };
/** The end of an agent waits so long for what is being revoked, in milliseconds. */
const closeWithinMs = 3000;

const busy: ExchangeFailure = {
  kind: "away",
  code: "Busy",
  message: "Cannot get a token: too many requests to this issuer are under way",
  mayBeDone: false,
};

/** Nobody was asked: there is no outcome yet. */
export const isBusy = (trouble: IdentityTrouble | undefined): boolean => trouble?.code === busy.code;

/** The issuers of an agent's identities, each behind a gate; and what they are told in the background. */
export class IssuersOf {
  readonly #openSource: (identity: IdentitySpec) => PairIssuer;
  readonly #clock: Pick<Clock, "after" | "monotonicMs">;
  /** Of issuers that are being asked. */
  readonly #gates = new Map<string, AskGate>();
  readonly #revoking = new Set<Promise<void>>();
  readonly #closed = new AbortController();

  constructor(openSource: (identity: IdentitySpec) => PairIssuer, clock: Pick<Clock, "after" | "monotonicMs">) {
    this.#openSource = openSource;
    this.#clock = clock;
  }

  /** Its source is opened anew for each request: ten thousand that rest hold nothing of it. */
  open(spec: IdentitySpec): PairIssuer {
    return {
      credentialId: () => this.#openSource(spec).credentialId(),
      ask: (showing, signal) => this.#ask(spec, showing, signal),
      revoke: (token) => this.#revoke(spec, token),
    };
  }

  async #ask(spec: IdentitySpec, showing: ShownCredential, signal: AbortSignal): ReturnType<PairIssuer["ask"]> {
    const at = { place: placeOf(spec.source), options: asking, signal };
    return (await this.#inside(at, () => this.#openSource(spec).ask(showing, signal))) ?? busy;
  }

  #revoke(spec: IdentitySpec, token: string): Promise<void> {
    const at = { place: `${placeOf(spec.source)} revoke`, options: revoking, signal: this.#closed.signal };
    const work = this.#inside(at, async () => this.#openSource(spec).revoke?.(token));
    const done = work.catch(() => undefined).finally(() => this.#revoking.delete(done));
    this.#revoking.add(done);
    return done;
  }

  /** Waits a moment for what is being revoked; the rest ends by itself some day. */
  async close(): Promise<void> {
    const done = new AbortController();
    const all = Promise.all(this.#revoking).then(() => done.abort());
    await Promise.race([all, sleep(this.#clock, closeWithinMs, done.signal)]);
    this.#closed.abort();
  }

  /** Undefined for who was turned away. A gate is there as long as somebody is at it. */
  async #inside<Result>({ place, options, signal }: At, work: () => Promise<Result>): Promise<Result | undefined> {
    const gate = this.#gates.get(place) ?? new AskGate(this.#clock, options);
    this.#gates.set(place, gate);
    if (!(await gate.enter(signal))) return undefined;
    try {
      return await work();
    } finally {
      gate.leave();
      if (gate.isIdle) this.#gates.delete(place);
    }
  }
}

/** At whose gate somebody stands. */
interface At {
  readonly place: string;
  readonly options: GateOptions;
  readonly signal: AbortSignal;
}

const placeOf = (source: SourceSpec): string => (source.kind === "mintSocket" ? source.path : source.issuer.url.origin);
