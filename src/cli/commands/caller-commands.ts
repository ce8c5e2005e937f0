import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Argument, type Command } from "commander";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { errnoOf, fileProblem } from "../../errors/errno-words.ts";
import { quotedPath } from "../../errors/quote.ts";
import { exitCodes } from "../../tools/exit.ts";
import { documentText, type DocumentFormat } from "../../tools/text/output.ts";
import { line } from "../../tools/text/screen.ts";
import { commandOf, flag, outputFlag } from "../flags.ts";
import type { Cli } from "../surroundings.ts";

interface ExplainFlags {
  readonly config: string;
  readonly output?: DocumentFormat;
}

export function issuerExplainCommand(cli: Cli): Command {
  return commandOf({
    name: "explain",
    summary: "say what becomes of a token that somebody brings, by which rule, or which check fails",
    details:
      "Judged by the TokenIssuer file alone, as an issuer judges before it asks for keys: the signature is not looked at, and nothing is sent\nanywhere. Exit code 1 when it would be refused. The token is never printed.",
    arguments: [new Argument("[file]", "a file with the token; without it, or with -, it is read from standard input")],
    flags: [
      flag("-c, --config <file>", "the TokenIssuer, YAML or JSON", { owner: "issuer" }).makeOptionMandatory(),
      outputFlag(["json", "yaml"]),
    ],
    examples: [
      [
        "Which rule would take this pod?",
        "kubectl create token build --audience keyturn-issuer | keyturn issuer explain -c issuer.yaml",
      ],
      ["The token of a CI job", "keyturn issuer explain -c issuer.yaml token.jwt"],
    ],
  }).action(async (file: string | undefined, { config, output }: ExplainFlags) => {
    const [{ parseTokenIssuer }, { onlyOneOf }, { tokenIssuerKind }, { explain }, { explainText }] = await Promise.all([
      import("../../issuer/config/read-token-issuer.ts"),
      import("../../parse/only-one-of.ts"),
      import("../../parse/api-names.ts"),
      import("../../issuer/callers/explain.ts"),
      import("../../issuer/callers/explain-text.ts"),
    ]);
    const resource = onlyOneOf(tokenIssuerKind, await cli.readFile(config), config);
    const issuer = parseTokenIssuer(resource, dirname(resolve(config)));
    const text = file === undefined || file === "-" ? await cli.readInput() : await cli.readFile(file);
    const explanation = explain(text.trim(), issuer, cli.io.nowMs());
    if (output) cli.io.out.write(documentText(explanation, output));
    else for (const one of explainText(explanation)) line(cli.io.out, one);
    cli.ended(explanation.failed === undefined ? exitCodes.done : exitCodes.failed);
  });
}

export function issuerHashSecretCommand(cli: Cli): Command {
  return commandOf({
    name: "hash-secret",
    summary: "print the scrypt hash of a client's secret, for one of its secretFiles",
    details:
      "The secret is read from standard input; on a terminal it is typed twice, unseen. It has 16 characters or more: make it, don't think it up.",
    flags: [
      flag("--generate <file>", "make a secret of 256 bits and write it there, mode 0600; the file must not be there", {
        owner: "issuer",
      }),
    ],
    examples: [
      ["A secret for the client, its hash for the issuer", "keyturn issuer hash-secret --generate ci.secret > ci.hash"],
      ["One that there is", "keyturn issuer hash-secret < ci.secret > ci.hash"],
    ],
  }).action(async ({ generate }: { readonly generate?: string }) => {
    const { hashOfLine } = await import("../../issuer/callers/client-secrets.ts");
    const secret = generate === undefined ? await cli.readSecret() : randomBytes(32).toString("base64url");
    const hash = await hashOfLine(secret);
    if (generate !== undefined) await writeNew(generate, `${secret}\n`);
    line(cli.io.out, hash);
    cli.ended(exitCodes.done);
  });
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const must =
      errnoOf(error) === "EEXIST"
        ? "must not be there yet"
        : `must be a file that can be made: ${fileProblem(error) ?? "it failed"}`;
    throw new ChangeNeededError("FileUnwritable", `Cannot write ${quotedPath(path)}: ${must}`, { cause: error });
  }
}
