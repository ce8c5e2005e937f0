import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";
import { ClockWatch } from "../../identity/clock-watch.ts";
import type { PairStore } from "../../identity/store/pair-store.ts";
import { sleep } from "../../time/clock.ts";
import { aborted } from "../../time/signal.ts";
import type { AgentIdentity } from "../agent-identities.ts";
import type { AgentSpec, IdentitySpec, TokenEndpoint } from "../agent-spec.ts";
import { eachOf } from "./each-of.ts";
import type { IdentitiesOptions, OpenIdentities } from "./identities-options.ts";
import { IssuersOf } from "./issuers-of.ts";
import { OneIdentity } from "./one-identity.ts";
import { isSameSpec, purposeOf } from "./same-spec.ts";
import { bothOf, type FilePlaces, filePlacesOf, placesOf, type TakenPlaces } from "./sink-places.ts";
import type { AgentState } from "./state-dir.ts";

const paceMs = 250;

export class Identities implements OpenIdentities {
  readonly #state: AgentState;
  readonly #options: IdentitiesOptions;
  readonly #issuers: IssuersOf;
  readonly #watch: ClockWatch;
  readonly #byName = new Map<string, OneIdentity>();
  /** Of a place that a registered one writes to, too, the file has the last word. */
  #ofFile: FilePlaces;
  /** One change after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(state: AgentState, options: IdentitiesOptions) {
    this.#state = state;
    this.#options = options;
    this.#ofFile = filePlacesOf(options.spec.identities);
    this.#watch = new ClockWatch(options.clock);
    this.#issuers = new IssuersOf(options.openSource, options.clock);
  }

  /** @throws KeyturnError where one of the file has no token, unless it may start without */
  async begin(): Promise<void> {
    const {
      startWithout,
      spec: { issuer, identities: specs },
      signal = new AbortController().signal,
    } = this.#options;
    const inFile = new Set(specs.map(({ name }) => name));
    const registered = await this.#state.registered(issuer);
    await eachOf(specs, async (spec) => {
      if (!signal.aborted) await this.#paced(await this.#begin(spec, "file"));
    });
    await eachOf(registered, async (spec) => {
      if (signal.aborted) return;
      // What stands in the file by now is registered no longer
      if (inFile.has(spec.name)) await this.#state.drop(spec.name);
      else await this.#paced(await this.#begin(spec, "registered"));
    });
    if (startWithout) return;
    const ofFile = [...this.#byName.values()].filter(({ origin }) => origin === "file");
    await Promise.race([Promise.all(ofFile.map((one) => one.settled())), aborted(signal)]);
    if (signal.aborted) return;
    const [missing] = ofFile.flatMap((one) => one.missing() ?? []);
    if (missing !== undefined) throw missing;
  }

  find(name: string): AgentIdentity | undefined {
    return this.#byName.get(name);
  }

  all(): readonly AgentIdentity[] {
    return [...this.#byName.values()].sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
  }

  apply({ issuer, identities: specs }: AgentSpec): Promise<void> {
    return this.#inTurn(async () => {
      const names = new Set(specs.map(({ name }) => name));
      const gone = [...this.#byName.values()].filter(({ origin, spec }) => origin === "file" && !names.has(spec.name));
      const taken = placesOf(specs);
      this.#ofFile = bothOf(this.#ofFile, filePlacesOf(specs));
      // Before anybody writes to a place that was another one's: a renewal that is under way would bring that one's token there
      await eachOf(this.#changedBy(specs), (one) => one.leavePlaces());
      await eachOf(this.#registered(), (one) => this.#leaveToFile(one));
      await eachOf(gone, ({ spec }) => this.#orSay(spec, () => this.#forget(spec.name, taken)));
      await eachOf(specs, (spec) => this.#orSay(spec, () => this.#putOfFile(spec, taken)));
      await this.#moveRegistered(issuer);
      // Only now: who wrote to a place that is free again has ended
      this.#ofFile = filePlacesOf(specs);
      await eachOf([...this.#byName.values()], (one) => this.#leaveToFile(one));
    });
  }

  register(spec: IdentitySpec): Promise<AgentIdentity> {
    return this.#inTurn(async () => {
      const before = this.#byName.get(spec.name);
      if (before?.origin === "file") throw nameTaken(spec.name);
      if (before !== undefined && isSameSpec(before.spec, spec)) return before;
      const shared = spec.sinks.find(({ path }) => this.#isWritten(path, spec.name));
      if (shared !== undefined) throw placeTaken(shared.path);
      await this.#state.keep(spec);
      return this.#put(spec, "registered", placesOf([spec]));
    });
  }

  unregister(name: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const isThere = this.#byName.has(name);
      if (this.#byName.get(name)?.origin === "file") throw inFile(name);
      await this.#forget(name);
      // Last of all: after a crash before that it is there again, and whoever asked for its end has not heard of it yet
      return (await this.#state.drop(name)) || isThere;
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      await Promise.all([...this.#byName.values()].map((one) => one.close()));
      await this.#issuers.close();
      await this.#state.close();
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const own = this.#changes.then(work);
    this.#changes = own.catch(() => undefined);
    return own;
  }

  /** Those whom these take the place of. */
  #changedBy(specs: readonly IdentitySpec[]): readonly OneIdentity[] {
    const befores = specs.map((spec) => ({ spec, before: this.#byName.get(spec.name) }));
    return befores.flatMap(({ spec, before }) => (before && !isSameSpec(before.spec, spec) ? [before] : []));
  }

  #registered(): readonly OneIdentity[] {
    return [...this.#byName.values()].filter(({ origin }) => origin === "registered");
  }

  /** One that stands in the file by now has its own places. */
  #leaveToFile(one: OneIdentity): Promise<void> {
    const isAnothers = (name: string): boolean => name !== one.spec.name;
    return one.leaveTo((path) => one.origin === "registered" && this.#ofFile.get(path)?.some(isAnothers) === true);
  }

  /** @param except - Whoever has this name does not count */
  #isWritten(path: string, except?: string): boolean {
    for (const [name, { spec }] of this.#byName) {
      if (name !== except && spec.sinks.some((sink) => sink.path === path)) return true;
    }
    return false;
  }

  /** What one identity of the file has against a change holds up no other. */
  async #orSay({ name }: IdentitySpec, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      this.#options.log.error({ identity: name, err: error }, "not all of what the file says of it could be done");
    });
  }

  async #putOfFile(spec: IdentitySpec, taken: TakenPlaces): Promise<void> {
    const wasRegistered = this.#byName.get(spec.name)?.origin === "registered";
    await this.#paced(await this.#put(spec, "file", taken));
    if (wasRegistered) await this.#state.drop(spec.name);
  }

  /** Not too many begin at once, which would cost memory; nor does one that hangs hold up the others for long. */
  async #paced(one: OneIdentity): Promise<void> {
    const settled = new AbortController();
    const soon = sleep(this.#options.clock, paceMs, settled.signal);
    await Promise.race([one.settled().then(() => settled.abort()), soon]);
  }

  /** Their issuer is that of the file; without one they stay where they are. */
  async #moveRegistered(issuer: TokenEndpoint | undefined): Promise<void> {
    if (issuer === undefined) return;
    await eachOf(this.#registered(), async ({ spec }) => {
      if (spec.source.kind === "mintSocket") return;
      await this.#put({ ...spec, source: { ...spec.source, issuer } }, "registered", placesOf([spec]));
    });
  }

  /** There is one with this spec now, in the place of the one before it. */
  async #put(spec: IdentitySpec, origin: OneIdentity["origin"], taken: TakenPlaces): Promise<OneIdentity> {
    const before = this.#byName.get(spec.name);
    if (before !== undefined && isSameSpec(before.spec, spec)) {
      before.origin = origin;
      return before;
    }
    if (before === undefined) return this.#begin(spec, origin);
    const isForTheSame = purposeOf(before.spec) === purposeOf(spec);
    const one = await this.#begin(
      spec,
      origin,
      isForTheSame
        ? { after: before.close(), store: before.store }
        : { after: this.#orSay(spec, () => before.forget()) },
    );
    await before.emptyPlaces((path) => taken.has(path) || this.#isWritten(path));
    return one;
  }

  /** @param from - When it may begin, and where its pair is. @default at once, and what the disk has */
  async #begin(
    spec: IdentitySpec,
    origin: OneIdentity["origin"],
    from: { readonly after?: Promise<void>; readonly store?: PairStore } = {},
  ): Promise<OneIdentity> {
    const { openSinks, notify, clock, chance, log, onNews = () => undefined } = this.#options;
    const { store = this.#state.pairOf(spec) } = from;
    const one: OneIdentity = new OneIdentity(spec, origin, {
      ...{ issuer: this.#issuers.open(spec), store, sinks: openSinks(spec) },
      ...{ notify, clock, chance, log, onNews, watch: this.#watch },
      successor: () => this.#otherThan(one),
    });
    // Who asks for it meanwhile waits for its begin
    this.#byName.set(spec.name, one);
    void this.#leaveToFile(one);
    await one.begin(from.after);
    return one;
  }

  #otherThan(one: OneIdentity): OneIdentity | undefined {
    const now = this.#byName.get(one.spec.name);
    return now === one ? undefined : now;
  }

  async #forget(name: string, taken: TakenPlaces = new Set()): Promise<void> {
    const one = this.#byName.get(name);
    this.#byName.delete(name);
    await one?.forget();
    await one?.emptyPlaces((path) => taken.has(path) || this.#isWritten(path));
  }
}

const nameTaken = (name: string): ChangeNeededError =>
  new ChangeNeededError(
    "NameTaken",
    `Cannot register identity ${JSON.stringify(name)}: must be another name, this one stands in the agent's file`,
  );

const placeTaken = (path: string): ChangeNeededError =>
  new ChangeNeededError(
    "RegistrationRefused",
    `Cannot register the identity: ${quotedPath(path)} must be written by no other identity`,
  );

const inFile = (name: string): ChangeNeededError =>
  new ChangeNeededError(
    "InFile",
    `Cannot unregister identity ${JSON.stringify(name)}: must be taken out of the agent's file, where it stands`,
  );
