/** How a command ends, for scripts: the exit code of the process. */
export const exitCodes = {
  /** What was asked for is done. */
  done: 0,
  /** It can't be done, or the answer is no (`token verify`). */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** It is understood, and a rule of the rotation refuses it. */
  refused: 3,
  /** It did not come true before `--timeout`. */
  timedOut: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
