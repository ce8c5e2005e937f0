import { isDeepStrictEqual } from "node:util";
import type {
  AgentIdentities,
  AgentIdentity,
  AgentIdentityStatus,
  SinkProblem,
} from "../../../src/agent/agent-identities.ts";
import type { IdentitySpec } from "../../../src/agent/agent-spec.ts";
import { ChangeNeededError, type KeyturnError } from "../../../src/errors/keyturn-error.ts";
import type { FreshToken, IdentityStatus } from "../../../src/identity/kept-identity.ts";
import { tokenIdOf } from "../../../src/identity/machine/held-pair.ts";
import { hourMs, jwtWith, startMs } from "../../identity/support/pairs.ts";

/** An identity that asks nobody. */
export const identitySpec = (name: string, more: Partial<IdentitySpec> = {}): IdentitySpec => ({
  name,
  source: { kind: "tokenFile", issuer: { url: new URL("https://issuer.example") }, path: "/run/token" },
  request: { audiences: [], scopes: [] },
  keep: "always",
  sinks: [],
  ...more,
});

/** One identity whose issuer answers at once, unless a test says otherwise. */
export class MemoryIdentity implements AgentIdentity {
  readonly spec: IdentitySpec;
  readonly origin: AgentIdentityStatus["origin"];
  /** What it was asked for so far, in order; `renewed` each time a token came of it. */
  readonly asked: string[] = [];
  /** No token comes any more: what is told instead. */
  failure: KeyturnError | undefined;
  sinkProblems: readonly SinkProblem[] = [];
  /** Over what {@link status} says by itself. */
  told: Partial<IdentityStatus> = {};
  readonly #nowMs: () => number;
  #number = 0;
  #held: FreshToken | undefined;
  #isClosed = false;

  constructor(spec: IdentitySpec, origin: AgentIdentityStatus["origin"], nowMs: () => number) {
    this.spec = spec;
    this.origin = origin;
    this.#nowMs = nowMs;
    this.#renew();
  }

  token(): Promise<FreshToken> {
    this.asked.push("token");
    return Promise.resolve().then(() => this.#given());
  }

  refresh(): Promise<FreshToken> {
    this.asked.push("refresh");
    return Promise.resolve().then(() => {
      this.#given();
      return this.#renew();
    });
  }

  refused(tokenId: string): Promise<FreshToken | undefined> {
    this.asked.push(`refused ${tokenId}`);
    if (this.#isClosed) return Promise.resolve(undefined);
    if (this.#held?.tokenId !== tokenId) return Promise.resolve(this.#held);
    return Promise.resolve(this.failure ? undefined : this.#renew());
  }

  status(): AgentIdentityStatus {
    const { failure } = this;
    const atMs = this.#nowMs();
    const expiresAtMs = this.#held?.expiresAtMs;
    return {
      name: this.spec.name,
      origin: this.origin,
      ...(expiresAtMs !== undefined && { token: { receivedAtMs: expiresAtMs - hourMs, expiresAtMs } }),
      isSaved: true,
      failures: failure ? 1 : 0,
      ...(failure && {
        trouble: {
          code: failure.code,
          message: failure.message,
          isFinal: failure instanceof ChangeNeededError,
          atMs,
        },
      }),
      sinkProblems: this.sinkProblems,
      ...this.told,
    };
  }

  end(): void {
    this.#isClosed = true;
  }

  #given(): FreshToken {
    if (this.#isClosed) throw new ChangeNeededError("Closed", "Cannot give a token: the identity was closed");
    if (this.failure) throw this.failure;
    return this.#held ?? this.#renew();
  }

  #renew(): FreshToken {
    this.#number += 1;
    this.asked.push("renewed");
    const accessToken = jwtWith({ jti: `${this.spec.name}-${this.#number}`, secret: "x".repeat(40) });
    this.#held = { accessToken, tokenId: tokenIdOf(accessToken), expiresAtMs: this.#nowMs() + hourMs };
    return this.#held;
  }
}

/** Every identity of an agent, in memory: without issuer, disk, timer and sinks. */
export class MemoryIdentities implements AgentIdentities {
  readonly #all = new Map<string, MemoryIdentity>();
  readonly #nowMs: () => number;

  constructor(inFile: readonly IdentitySpec[], nowMs = () => startMs) {
    this.#nowMs = nowMs;
    for (const spec of inFile) this.#all.set(spec.name, new MemoryIdentity(spec, "file", nowMs));
  }

  find(name: string): MemoryIdentity | undefined {
    return this.#all.get(name);
  }

  all(): readonly MemoryIdentity[] {
    return [...this.#all.values()].sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
  }

  register(spec: IdentitySpec): Promise<AgentIdentity> {
    return Promise.resolve().then(() => {
      const { name } = spec;
      const before = this.#all.get(name);
      if (before?.origin === "file") {
        throw new ChangeNeededError("NameTaken", `Cannot register identity "${name}": must not be one of the file`);
      }
      if (before && isDeepStrictEqual(before.spec, spec)) return before;
      before?.end();
      const registered = new MemoryIdentity(spec, "registered", this.#nowMs);
      this.#all.set(name, registered);
      return registered;
    });
  }

  unregister(name: string): Promise<boolean> {
    return Promise.resolve().then(() => {
      const identity = this.#all.get(name);
      if (identity?.origin === "file") {
        throw new ChangeNeededError("InFile", `Cannot unregister identity "${name}": must be taken out of the file`);
      }
      identity?.end();
      return this.#all.delete(name);
    });
  }
}
