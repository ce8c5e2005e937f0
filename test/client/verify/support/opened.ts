import { openVerifierIn, type TokenVerifier } from "../../../../src/client/verify/open-verifier.ts";
import type { VerifierEvent, VerifierOptions, VerifierSource } from "../../../../src/client/verify/verifier-options.ts";
import type { Algorithm } from "../../../../src/ring/key.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { pairOf, type Pair } from "../../../support/keys.ts";
import { epoch, policy } from "../../../support/story.ts";

/** A public key as a JWK Set has it. */
const jwkOf = ({ kid, algorithm, material }: Pair, more: object = {}): object => ({
  ...material.publicJwk,
  ...{ kid, alg: algorithm, use: "sig" },
  ...more,
});

export const setOf = (...pairs: readonly Pair[]): { readonly keys: readonly object[] } => ({
  keys: pairs.map((pair) => jwkOf(pair)),
});

/** The nth key of an algorithm. */
export const pair = (nth = 0, algorithm: Algorithm = "ES256"): Pair => pairOf(algorithm, nth);

/** What fits the good tokens of test/jwt/support. */
export const usual: VerifierOptions = {
  issuer: policy.profile.issuer,
  audience: policy.profile.audiences,
  maxTTLMs: policy.profile.maxTTLMs,
};

export interface Opened {
  readonly verifier: TokenVerifier;
  readonly clock: FakeClock;
  readonly events: Events;
}

/** What a verifier tells, awaited one by one. */
class Events {
  readonly all: VerifierEvent[] = [];
  #arrived: () => void = () => undefined;
  #taken = 0;

  readonly take = (event: VerifierEvent): void => {
    this.all.push(event);
    this.#arrived();
  };

  /** The next one of this kind; those before it are passed over. */
  async next<Kind extends VerifierEvent["kind"]>(kind: Kind): Promise<Extract<VerifierEvent, { kind: Kind }>> {
    for (;;) {
      const event = this.all[this.#taken++];
      if (event === undefined) {
        this.#taken--;
        await new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
      } else if (isOf(event, kind)) return event;
    }
  }
}

const isOf = <Kind extends VerifierEvent["kind"]>(
  event: VerifierEvent,
  kind: Kind,
): event is Extract<VerifierEvent, { kind: Kind }> => event.kind === kind;

/** A verifier whose clock the test drives, without jitter. */
export async function opened(source: VerifierSource, change: Partial<VerifierOptions> = {}): Promise<Opened> {
  const clock = new FakeClock(epoch);
  const events = new Events();
  const options = { ...usual, onEvent: events.take, ...change };
  const verifier = await openVerifierIn({ clock, background: clock, chance: () => 0 }, source, options);
  return { verifier, clock, events };
}

/** The reason, or "ok". */
export async function reasonOf(verifier: TokenVerifier, token: string): Promise<string> {
  const verdict = await verifier.verify(token);
  return verdict.ok ? "ok" : verdict.reason;
}
