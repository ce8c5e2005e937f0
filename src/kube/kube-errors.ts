import type { ExchangeErrors } from "../http/exchange.ts";

/** The root of every error of this folder. The message is for people and never holds what a Secret holds. */
export class KubeError extends Error {
  /** Stable, for programs: the reason of an API server's Status (`Conflict`), or a word of our own (`TimedOut`). */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Who in front of the API server's storage said no. */
export type Refuser =
  /** The authorizer: the user lacks this right. */
  | {
      readonly kind: "rights";
      readonly user: string;
      readonly verb: string;
      /** With its subresource and its group: `jwtkeyrotations/status.keyturn.dev`. */
      readonly resource: string;
      /** Absent: in all namespaces, or of what has none. */
      readonly namespace?: string;
    }
  /** A ValidatingAdmissionPolicy or a MutatingAdmissionPolicy, by its binding. */
  | { readonly kind: "policy"; readonly name: string; readonly binding: string }
  /** An admission webhook; one that could not be asked refuses as well. */
  | { readonly kind: "webhook"; readonly name: string }
  | { readonly kind: "quota"; readonly name: string };

/** A field that was found wrong. */
export interface Cause {
  readonly field: string;
  /** `FieldValueInvalid`; empty when the server does not say. */
  readonly reason: string;
  /** Absent where it may quote a secret. */
  readonly message?: string;
}

export interface ApiErrorFacts {
  /** What was tried: `update secrets "team/gateway"`. */
  readonly action: string;
  /** HTTP status. */
  readonly status: number;
  /** `Conflict`, `NotFound`, `Invalid`, …; empty where the answer was no Status: from a proxy, or for an unknown path. */
  readonly reason: string;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The name of the object that the Status speaks of. */
  readonly objectName?: string;
  /** The fields that were found wrong. */
  readonly causes: readonly Cause[];
  /** Absent when the server itself refused, or it is not known who did. */
  readonly refuser?: Refuser;
}

/** The API server answered, and refused: a status of 300 or above, or an ERROR event of a watch. */
export class ApiError extends KubeError implements ApiErrorFacts {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs?: number;
  readonly objectName?: string;
  readonly action: string;
  readonly causes: readonly Cause[];
  readonly refuser?: Refuser;

  constructor(facts: ApiErrorFacts, message: string) {
    super(facts.reason || `Http${facts.status}`, message);
    this.status = facts.status;
    this.reason = facts.reason;
    this.action = facts.action;
    this.causes = facts.causes;
    if (facts.refuser !== undefined) this.refuser = facts.refuser;
    if (facts.retryAfterMs !== undefined) this.retryAfterMs = facts.retryAfterMs;
    if (facts.objectName !== undefined) this.objectName = facts.objectName;
  }
}

export type ConnectionCode = "Unreachable" | "TimedOut" | "BadAnswer" | "NoCredentials";

/** No answer, or none that can be understood. */
export class ConnectionError extends KubeError {
  /** True when the request may have been carried out all the same; false: it never left. */
  readonly maybeDone: boolean;

  constructor(code: ConnectionCode, message: string, maybeDone: boolean) {
    super(code, message);
    this.maybeDone = maybeDone;
  }
}

/** The caller's signal ended the call. What was on its way may still be carried out. */
export class StoppedError extends KubeError {
  constructor(what: string) {
    super("Stopped", `Cannot ${what}: stopped`);
  }
}

/** Of one request. @param what - `update secrets "team/gateway"` */
export const exchangeErrors = (what: string): ExchangeErrors => ({
  timedOut: (timeoutMs, sent) => {
    const seconds = Math.round(timeoutMs / 1000);
    return new ConnectionError("TimedOut", `Cannot ${what}: the API server did not answer within ${seconds} s`, sent);
  },
  broken: (problem, sent) => new ConnectionError("Unreachable", `Cannot ${what}: ${problem}`, sent),
  stopped: () => new StoppedError(what),
});

const isReason = (error: unknown, reason: string): boolean => error instanceof ApiError && error.reason === reason;

/**
 * True when the API server said that an object is not there. Not for a 404 of a proxy, or of a path that it doesn't know (a
 * CRD that is missing): those say nothing about the object. {@link KubeClient.find} also compares the name.
 */
export const isNotFound = (error: unknown): boolean => isReason(error, "NotFound");
/** True when the object changed since it was read, or is another one than was meant (`uid`). */
export const isWriteConflict = (error: unknown): boolean => isReason(error, "Conflict");
export const isAlreadyExists = (error: unknown): boolean => isReason(error, "AlreadyExists");
/** True when the resourceVersion, or the continue token, is too old: list anew. */
export const isExpired = (error: unknown): boolean => error instanceof ApiError && error.status === 410;
/** True for a resource that the server does not serve: its definition is not installed. */
export const isUnknownResource = (error: unknown): boolean =>
  error instanceof ApiError && error.status === 404 && error.objectName === undefined;
export const isStopped = (error: unknown): boolean => error instanceof StoppedError;

/** True when the same call may work later, without anybody changing anything. */
export function mayWorkLater(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (!(error instanceof ApiError)) return false;
  return error.status >= 500 || [401, 408, 409, 410, 429].includes(error.status);
}
