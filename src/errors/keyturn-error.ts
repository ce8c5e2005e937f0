/** The root of every error that Keyturn throws on purpose: a stable code for programs, a message for people. */
export class KeyturnError extends Error {
  /** Stable, UpperCamelCase, as Kubernetes reasons are: `InvalidSpec`, `RingUnreadable`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Someone must change something first: the same call fails again until then. Never retried. */
export class ChangeNeededError extends KeyturnError {}

/** What was asked for is understood, and a rule of the rotation refuses it (exit code 3). */
export class RuleError extends ChangeNeededError {}

/** The same call may work later: a lost race, a full disk, an API server that is away. Retried with back-off. */
export class TryLaterError extends KeyturnError {}

/** Somebody else's write came first: what was read is no longer so. */
export const isConflict = (error: unknown): boolean => error instanceof TryLaterError && error.code === "Conflict";
