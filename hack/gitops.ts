// What Argo CD, Flux and Helm make of an object: `node hack/gitops.ts` builds the program that says it, and says where it is.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { builtFrom, type Say } from "./go.ts";
import { programOnPath } from "./testcluster/build.ts";

const folder = join(import.meta.dirname, "gitops");
const name = "Argo CD's Lua, Flux' CEL and kstatus";

/** Why these tools can't be asked here, in one line, or undefined. Quick: nothing is built. */
export function gitOpsNeeds(): string | undefined {
  return programOnPath("go") === undefined ? `no ${name}: install Go` : undefined;
}

/** How long a test's hook may wait for the build on a busy machine. */
export const gitOpsBuildMs = 15 * 60_000;

/** Has the program, built if it must be and can be: before any test waits for it. */
export async function buildGitOps(say: Say): Promise<void> {
  if (gitOpsNeeds() === undefined) await gitOpsProgram(say);
}

/** Its path; built once, into the cache: two minutes. */
const gitOpsProgram = (say: Say): Promise<string> => builtFrom({ folder, program: "gitops", name }, say);

/** Of a Flux Kustomization: what its `healthCheckExprs` have for a kind. */
export interface HealthChecks {
  readonly inProgress?: string;
  readonly failed?: string;
  readonly current: string;
}

/** What is asked of an object. */
export type GitOpsQuestion = { readonly object: object } & (
  | { readonly tool: "kstatus" }
  | { readonly tool: "cel"; readonly checks: HealthChecks }
  /** A script of `argocd-cm`: sees the object as `obj`. */
  | { readonly tool: "lua"; readonly script: string }
);

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/** An answer to each question: of kstatus and CEL a word, of Lua what the script returns. @throws Error with what the tool says */
export async function askGitOps(questions: readonly GitOpsQuestion[]): Promise<readonly unknown[]> {
  const running = promisify(execFile)(await gitOpsProgram(() => undefined), { maxBuffer: 1 << 26 });
  running.child.stdin?.end(JSON.stringify(questions));
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written by hack/gitops/main.go a moment ago
  const answers = JSON.parse((await running).stdout) as readonly Answer[];
  return answers.map(({ value, error }) => {
    if (error !== undefined) throw new Error(`Cannot judge the object: ${error}`);
    return value;
  });
}

if (import.meta.main) console.log(await gitOpsProgram((line) => console.error(line)));
