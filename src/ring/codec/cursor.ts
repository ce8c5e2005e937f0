import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { hiddenName, shown } from "../../errors/quote.ts";

/** What is being read, for errors: `Cannot read key ring: $.keys[2].kid: …`. */
export interface Subject {
  readonly code: string;
  readonly action: string;
}

/** `$.keys` and `kid` give `$.keys.kid`; a name that is no identifier stands in brackets, one that may be a key by its length. */
export function memberPath(path: string, name: string): string {
  const hidden = hiddenName(name);
  if (hidden !== undefined) return `${path}${hidden}`;
  return /^[A-Za-z_]\w*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** The largest number of seconds that is still exact in milliseconds. */
const mostSeconds = Math.floor(Number.MAX_SAFE_INTEGER / 1000);

/** One value of a parsed document with its JSON path. Each method returns the checked value or throws one clear reason. */
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

  #mustBe(what: string): ChangeNeededError {
    return this.error(`must be ${what}, is ${shown(this.value)}`);
  }

  /** Any text of `least` to `most` UTF-16 units: people's words. */
  freeText(least: number, most: number): string {
    if (typeof this.value !== "string" || this.value.length < least || this.value.length > most) {
      throw this.#mustBe(`a text of ${least} to ${most} characters`);
    }
    return this.value;
  }

  /** A text of 1 to `most` UTF-16 units without control characters: a name. */
  text(most: number): string {
    if (typeof this.value !== "string" || this.value.length > most || !/^[^\u0000-\u001f\u007f]+$/.test(this.value)) {
      throw this.#mustBe(`a text of 1 to ${most} characters without control characters`);
    }
    return this.value;
  }

  /** One of the words. */
  oneOf<const Word extends string>(words: readonly Word[]): Word {
    const found = words.find((word) => word === this.value);
    if (found === undefined) {
      throw this.#mustBe(words.map((word) => `"${word}"`).join(" or "));
    }
    return found;
  }

  trueOrFalse(): boolean {
    if (typeof this.value !== "boolean") throw this.#mustBe("true or false");
    return this.value;
  }

  /** A whole number that a double holds exactly. `-0` is refused: it would not be written as it was read. */
  wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): number {
    const { value } = this;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
      throw this.#mustBe(`a whole number from ${least} to ${most}`);
    }
    if (Object.is(value, -0)) throw this.error("must be 0, is -0");
    return value;
  }

  /** Whole seconds, returned in milliseconds. */
  seconds(least: number): number {
    return this.wholeNumber(least, mostSeconds) * 1000;
  }

  /** RFC 3339 in UTC with exactly three decimals, returned in milliseconds since 1970. */
  instant(): number {
    const { value } = this;
    if (typeof value === "string" && instantForm.test(value)) {
      const atMs = Date.parse(value);
      // Date.parse takes 24:00 and may take 30 February: only an instant that is written as it was read exists
      if (!Number.isNaN(atMs) && new Date(atMs).toISOString() === value) return atMs;
    }
    throw this.#mustBe("an instant such as 2026-11-21T03:00:00.000Z");
  }

  /** A list with at most `most` items, each with its own path. */
  list(most: number): readonly Cursor[] {
    const value: unknown = this.value;
    if (!Array.isArray(value)) throw this.#mustBe("a list");
    if (value.length > most) throw this.error(`must have at most ${most} items, has ${value.length}`);
    return value.map((item: unknown, index) => new Cursor(item, `${this.path}[${index}]`, this.#subject));
  }

  /** An object, of which nothing is known yet. */
  fields(): Fields {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#mustBe("an object");
    const members = Object.entries(value).map(
      ([name, member]: [string, unknown]) =>
        [name, new Cursor(member, memberPath(this.path, name), this.#subject)] as const,
    );
    return new Fields(
      this,
      new Map(members),
      (name) => new Cursor(undefined, memberPath(this.path, name), this.#subject),
    );
  }
}

/** An object's own members; never an inherited one. */
export class Fields {
  readonly self: Cursor;
  readonly #members: ReadonlyMap<string, Cursor>;
  readonly #missing: (name: string) => Cursor;

  constructor(self: Cursor, members: ReadonlyMap<string, Cursor>, missing: (name: string) => Cursor) {
    this.self = self;
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
