import pg from "pg";
import type { KeyturnError } from "../errors/keyturn-error.ts";
import { connectionProblem } from "../errors/errno-words.ts";
import { isOwnError, storeAway } from "./store-away.ts";

/** Two transactions each waited for the other, or can't be put in a row: the server took one back. The same may work at once. */
export const isDeadlock = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && (error.code === "40P01" || error.code === "40001");

/** SQLSTATE's classes whose messages quote values: data exception, and constraints. */
const quotesValues = /^2[23]/;

/**
 * The error of a driver as ours. It is not kept as the cause: a DatabaseError has fields with values of the row, and a log would show them.
 */
export function awayFor(error: unknown): KeyturnError {
  if (isOwnError(error)) return error;
  if (!(error instanceof pg.DatabaseError)) return storeAway(connectionProblem(error));
  const { code = "no SQLSTATE", message } = error;
  return storeAway(quotesValues.test(code) ? `SQLSTATE ${code}` : `${message} (SQLSTATE ${code})`);
}
