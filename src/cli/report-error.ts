import { CommanderError } from "commander";
import { KubeError } from "../kube/kube-errors.ts";
import { ChangeNeededError, KeyturnError, RuleError } from "../errors/keyturn-error.ts";
import { quoted } from "../errors/quote.ts";
import { rotations, tokenIssuerKind } from "../parse/api-names.ts";
import { exitCodes, type ExitCode } from "../tools/exit.ts";
import { line, paint, type Screen } from "../tools/text/screen.ts";

/** The command line itself is wrong. */
export class UsageError extends ChangeNeededError {
  constructor(message: string) {
    super("Usage", message);
  }
}

interface Complaint {
  readonly message: string;
  readonly hint?: string;
  readonly code: ExitCode;
}

/** What helps, by the error's code. */
const hints: Readonly<Record<string, string>> = {
  Locked: "one process at a time runs on a directory; end the other one first",
  NoAgent: "keyturn agent --config FILE starts one; --socket and KEYTURN_AGENT_SOCKET name another place",
  IdentityUnknown: "keyturn agent status shows those that there are",
  NoDirectory: "keyturn standalone --dir DIR --config FILE makes it",
  NoSuchGrant: "keyturn grants list shows those that there are",
  SecretUnfit: "keyturn issuer hash-secret --generate FILE makes one",
  NoRotation: "keyturn standalone --dir DIR --config FILE starts one",
  NoRing: "the first pass of the controller, or of keyturn standalone, makes it",
  NotPublished: "keyturn status says what it waits for",
  NoSuchRotation: "--namespace and --context name another place; keyturn status -A lists all",
  NoResource: "kubectl apply -f crds/ installs the custom resources of Keyturn",
  Denied: "who runs the cluster can say why, and change what is in the way",
  Forbidden: "docs/operations.md lists what each tool has to be allowed",
  NoKubeConfig: "--kubeconfig or KUBECONFIG names one; --dir DIR is for a rotation in a directory",
  BadKubeConfig: "--kubeconfig or KUBECONFIG names another; --dir DIR is for a rotation in a directory",
  UnknownKid: "--unknown has it remembered, so that it can never come in",
  RingUnreadable: "keyturn recover rebuilds the ring from what is left of it",
  RingRolledBack: "restore the newest copy, or keyturn recover",
  Stalled: "keyturn status says what a person must do",
};

/** What can't be used when an error with this code names all of its problems, a line each. */
const invalid: Readonly<Record<string, string>> = {
  InvalidSpec: rotations.kind,
  InvalidTokenIssuer: tokenIssuerKind,
};

/** Says what went wrong, and returns the exit code. Zero when it was no fault: help that was asked for. */
export function report(error: unknown, screen: Screen): ExitCode {
  const complaint = complaintOf(error);
  if (!complaint) return exitCodes.done;
  const [first = "", ...rest] = complaint.message.split("\n");
  line(screen, `keyturn: ${paint(screen, ["strong", "bad"], "error:")} ${first}`);
  for (const text of rest) line(screen, `  ${text}`);
  if (complaint.hint !== undefined) line(screen, `keyturn: ${paint(screen, "strong", "hint:")} ${complaint.hint}`);
  return complaint.code;
}

function complaintOf(error: unknown): Complaint | undefined {
  if (error instanceof CommanderError) return usageOf(error);
  if (error instanceof UsageError)
    return { message: error.message, code: exitCodes.usage, hint: "--help shows examples" };
  if (error instanceof KeyturnError) {
    const hint = hints[error.code];
    const code = error instanceof RuleError ? exitCodes.refused : exitCodes.failed;
    // All problems of a spec stand below each other
    const resource = invalid[error.code];
    const message = resource === undefined ? error.message : `Cannot use the ${resource}:\n${error.message}`;
    return { message, code, ...(hint !== undefined && { hint }) };
  }
  if (error instanceof KubeError) {
    const hint = hints[error.code];
    return { message: error.message, code: exitCodes.failed, ...(hint !== undefined && { hint }) };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `this is a defect of Keyturn: ${message}`, code: exitCodes.failed };
}

/** Commander's words in our form: `error: unknown command 'stauts'\n(Did you mean status?)`. */
function usageOf({ code, message, exitCode }: CommanderError): Complaint | undefined {
  if (exitCode === 0) return undefined;
  if (code === "commander.help") {
    return { message: "a command is missing", hint: "--help lists the commands", code: exitCodes.usage };
  }
  const [, first = message, suggestion] = /^(.*?)(?:\n(\(Did you mean [^\n]*\)))?$/s.exec(message) ?? [];
  const hint = hintOf({ code, first, suggestion });
  return { message: wordsOf(code, first).replace(/^error: /, ""), hint, code: exitCodes.usage };
}

/** What was typed may be anything, a key as well; commander's own words are not. */
function wordsOf(code: string, text: string): string {
  if (code === "commander.excessArguments") return wordsOf("", text.replace(/( but got \d+): .*$/s, "$1"));
  const isTyped = code === "commander.unknownCommand" || code === "commander.unknownOption";
  return isTyped ? text.replace(/'(.*)'/s, (_, typed: string) => quoted(typed)) : text.replaceAll("'", '"');
}

function hintOf({ code, first, suggestion }: { code: string; first: string; suggestion: string | undefined }): string {
  if (suggestion !== undefined) return suggestion.replace(/^\((.*)\)$/, "$1").replace("Did", "did");
  // As long as the least prefix of a kid, and no name of an option
  if (code === "commander.unknownOption" && /'-[^-][\w-]{6,}'/.test(first)) {
    return "a kid or a grant that begins with a dash goes after --: keyturn revoke --reason stolen -- -kid";
  }
  return "--help shows what there is";
}
