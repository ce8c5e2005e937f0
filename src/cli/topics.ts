/** Pages of `keyturn help`, beside those of the commands. */
export interface Topic {
  readonly title: string;
  /** Paragraphs, and tables of two columns. */
  readonly parts: readonly (string | readonly (readonly [name: string, text: string])[])[];
  /** Where there is more. */
  readonly page: string;
}

/** What the exit codes mean; `tools/exit.ts` has the numbers. */
export const exitCodeRows = [
  ["0", "done"],
  ["1", "failed, or the answer is no"],
  ["2", "the command line is wrong"],
  ["3", "refused by a rule of the rotation"],
  ["4", "timed out"],
] as const;

export const exitCodeNote =
  "Errors go to standard error as `keyturn: error: …`, with a `keyturn: hint: …` where there is one. A second SIGINT ends a command at once, with exit code 130.";

export const environmentNotes = [
  "Every flag has an environment name, which the help of its command shows; the flag wins. An empty variable counts as unset; a flag without a value takes `true` or `false`. A flag of one tool alone has the tool's name in it, so that what is meant for one command never takes effect in another.",
  "`NO_COLOR` takes colours away, `FORCE_COLOR` gives them to a pipe. Without a terminal all text is plain ASCII. `TZ` is the zone in which instants are shown; JSON and YAML have UTC always.",
  "On a cluster `KUBECONFIG`, `HTTPS_PROXY` and `NO_PROXY` mean what they mean to kubectl.",
] as const;

export const topics: Readonly<Record<string, Topic>> = {
  tokens: {
    title: "What a token must have, and may have",
    parts: [
      "A token is a JWS in its compact form: header, payload and signature with dots between. A gateway accepts it when all of this is true:",
      [
        ["kid", "names a key of the ring; a key that was revoked or has left the ring is none"],
        ["alg", "is the algorithm of that key: the key says it, never the token"],
        ["typ", "is JWT or at+jwt, or is missing; --allow-types and --require-type change that"],
        ["iss", "is the rotation's issuer"],
        ["aud", "has one of the rotation's audiences"],
        ["exp", "is to come. From iat to exp it is tokens.maxTTL at most; without iat, from now to exp"],
        ["iat, nbf", "may be missing; else they have come"],
      ],
      "At exp, iat and nbf twice the clock skew (tokens.clockSkew) is allowed.",
      "keyturn token verify says of a token which of these it lacks; keyturn token mint makes one for trying things out.",
    ],
    page: "docs/tokens.md",
  },
  rotation: {
    title: "How a key comes and goes",
    parts: [
      "One key signs; the next one is made early, so that every verifier knows it before it signs. No token that is valid is refused at any moment.",
      [
        ["create", "makes the next key. It verifies, and does not sign yet"],
        ["publish", "every verifier is known to accept it"],
        ["activate", "it signs; the one before verifies until its last token has ended"],
        ["quiesce", "nobody signs with the old key any more"],
        ["forget", "the old key's private half goes: from now on there is no way back to it"],
        ["prune", "the old key leaves the ring"],
      ],
      "keyturn plan says what comes next and what it waits for, keyturn timeline draws it. keyturn rotate asks for a rotation now, keyturn rollback has an earlier key sign again, keyturn revoke has a key refused at once.",
    ],
    page: "docs/concepts.md",
  },
  "exit-codes": { title: "Exit codes", parts: [exitCodeRows, exitCodeNote], page: "docs/cli.md" },
  environment: { title: "Environment", parts: environmentNotes, page: "docs/cli.md" },
};
