import type { SqlRow } from "./database.ts";

/** A column of a row, as what it must be. @throws TypeError when it is not: then the schema is not ours. */
export const columns = {
  text: (row: SqlRow, name: string): string => must(row, name, optional.text(row, name)),
  /** A whole number. */
  integer: (row: SqlRow, name: string): number => must(row, name, optional.integer(row, name)),
  bytes: (row: SqlRow, name: string): Uint8Array => must(row, name, optional.bytes(row, name)),
};

/** The same, where null is undefined. */
export const optional = {
  text(row: SqlRow, name: string): string | undefined {
    const value = row[name];
    return value === null || typeof value === "string" ? (value ?? undefined) : wrong(name, "a text");
  },
  integer(row: SqlRow, name: string): number | undefined {
    const value = row[name];
    return value === null || Number.isSafeInteger(value)
      ? (numberOf(value) ?? undefined)
      : wrong(name, "a whole number");
  },
  bytes(row: SqlRow, name: string): Uint8Array | undefined {
    const value = row[name];
    if (value === null) return undefined;
    // A Buffer may be a view on a whole packet
    return value instanceof Uint8Array ? new Uint8Array(value) : wrong(name, "bytes");
  },
};

const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

function must<T>(row: SqlRow, name: string, value: T | undefined): T {
  return value ?? wrong(name, row[name] === null ? "something" : "there");
}

function wrong(name: string, must_: string): never {
  throw new TypeError(`Cannot read the column "${name}": must be ${must_}`);
}
