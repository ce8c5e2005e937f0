import { KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";

/** The one error of a database that can't do what it is asked for now. */
export function storeAway(reason: string, options?: ErrorOptions): TryLaterError {
  return new TryLaterError("StoreAway", `Cannot use the database: ${reason}`, options);
}

/** Our own errors as they are: work that was refused, not a database that failed. */
export const isOwnError = (error: unknown): error is KeyturnError => error instanceof KeyturnError;
