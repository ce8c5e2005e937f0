import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { shown } from "../errors/quote.ts";
import { choice, trueOrFalse, type Form, freeText, ownInstant, printable, text, whole } from "./forms.ts";
import { isObject } from "./object.ts";
import { itemPath, memberPath } from "./path.ts";

/** What is being read, for errors: `Cannot read key ring: $.keys[2].kid: …`. */
export interface Subject {
  readonly code: string;
  readonly action: string;
}

/** The largest number of seconds that is still exact in milliseconds. */
const mostSeconds = Math.floor(Number.MAX_SAFE_INTEGER / 1000);

/**
 * One value of a parsed document with its JSON path. Each method returns the checked value or throws one clear reason: for what
 * programs wrote, where the first thing that is wrong spoils the whole. For what people write see {@link Spot}.
 */
export class Cursor {
  readonly value: unknown;
  readonly path: string;
  readonly #subject: Subject;

  constructor(value: unknown, path: string, subject: Subject) {
    this.value = value;
    this.path = path;
    this.#subject = subject;
  }

  /** The error to throw for this value: `<action>: <path>: <reason>`. */
  error(reason: string): ChangeNeededError {
    return new ChangeNeededError(this.#subject.code, `${this.#subject.action}: ${this.path}: ${reason}`);
  }

  /** The error for a value that must be unique, and stands in another place too. */
  repeats(other: Cursor): ChangeNeededError {
    return this.error(`must be unique, ${shown(this.value)} stands in ${other.path} too`);
  }

  /** The value in this form. */
  as<Value>(form: Form<Value>): Value {
    const read = form.read(this.value);
    if (read === undefined) throw this.error(`${form.must}, is ${shown(this.value)}`);
    return read;
  }

  /** Any text of `least` to `most` UTF-16 units: people's words. */
  freeText(least: number, most: number): string {
    return this.as(freeText(least, most));
  }

  /** A text of 1 to `most` UTF-16 units without control characters: a name. */
  text(most: number): string {
    return this.as(text(printable(most)));
  }

  /** One of the words. */
  oneOf<const Word extends string>(words: readonly Word[]): Word {
    return this.as(choice(words));
  }

  trueOrFalse(): boolean {
    return this.as(trueOrFalse);
  }

  wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): number {
    return this.as(whole({ least, most }));
  }

  /** Whole seconds, returned in milliseconds. */
  seconds(least: number): number {
    return this.wholeNumber(least, mostSeconds) * 1000;
  }

  /** RFC 3339 in UTC with exactly three decimals, returned in milliseconds since 1970. */
  instant(): number {
    return this.as(ownInstant);
  }

  /** A list with at most `most` items, each with its own path. */
  list(most: number): readonly Cursor[] {
    const value: unknown = this.value;
    if (!Array.isArray(value)) throw this.error(`must be a list, is ${shown(value)}`);
    if (value.length > most) throw this.error(`must have at most ${most} items, has ${value.length}`);
    return value.map((item: unknown, index) => new Cursor(item, itemPath(this.path, index), this.#subject));
  }

  /** An object, of which nothing is known yet. */
  fields(): ObjectCursor {
    const { value } = this;
    if (!isObject(value)) throw this.error(`must be an object, is ${shown(value)}`);
    const memberAt = (name: string, member?: unknown): Cursor =>
      new Cursor(member, memberPath(this.path, name), this.#subject);
    const members = Object.entries(value).map(([name, member]) => [name, memberAt(name, member)] as const);
    return new ObjectCursor(new Map(members), memberAt);
  }
}

/** An object's own members; never an inherited one. */
export class ObjectCursor {
  readonly #members: ReadonlyMap<string, Cursor>;
  readonly #missing: (name: string) => Cursor;

  constructor(members: ReadonlyMap<string, Cursor>, missing: (name: string) => Cursor) {
    this.#members = members;
    this.#missing = missing;
  }

  /** @throws ChangeNeededError naming the first member that is not in the list */
  only(known: readonly string[]): this {
    for (const [name, member] of this.#members) {
      if (!known.includes(name)) throw member.error("is not known");
    }
    return this;
  }

  at(name: string): Cursor {
    const member = this.#members.get(name);
    if (!member) throw this.#missing(name).error("is missing");
    return member;
  }

  maybe(name: string): Cursor | undefined {
    return this.#members.get(name);
  }
}
