import { Argument, Command } from "commander";
import { mint, type Claim } from "../../tools/token/mint-token.ts";
import { verify } from "../../tools/token/verify-token.ts";
import { UsageError } from "../report-error.ts";
import { commandOf, durationFlag, each, flag, outputFlag } from "../flags.ts";
import { homeFlags, rotationArgument, withRotation } from "../home-flags.ts";
import type { HomeFlags, Cli } from "../surroundings.ts";
import { quoted } from "../../errors/quote.ts";
import { jsonIn } from "../../parse/json.ts";

export function tokenCommand(cli: Cli): Command {
  return new Command("token")
    .summary("mint or verify one token")
    .description("mint or verify one token")
    .addCommand(mintCommand(cli))
    .addCommand(verifyCommand(cli));
}

interface MintFlags extends HomeFlags {
  readonly sub: string;
  readonly audience?: string;
  readonly ttl?: number;
  readonly claim?: readonly Claim[];
  readonly type?: "JWT" | "at+jwt";
}

function mintCommand(cli: Cli): Command {
  const own = { owner: "token" };
  const claim = flag(
    "--claim <name=value>",
    "another claim; a value that is JSON is taken as such; may be repeated",
    own,
  );
  return commandOf({
    name: "mint",
    summary: "print a token that the present signer signed",
    details:
      "For trying things out. Everything is as a gateway mints it: iss, iat, exp and jti are set, a longer life is cut to the most.",
    arguments: [rotationArgument()],
    flags: [
      ...homeFlags(),
      flag("--sub <subject>", "whom the token is for", own).makeOptionMandatory(),
      flag("--audience <audience>", "one of the rotation's audiences", { ...own, otherwise: "the first of them" }),
      flag("--ttl <duration>", "how long it lives, in whole seconds", {
        ...own,
        parse: durationFlag,
        otherwise: "as long as tokens may",
      }),
      each(claim, claimOf),
      flag("--type <typ>", "typ of the header", { ...own, choices: ["JWT", "at+jwt"], otherwise: "JWT" }),
    ],
    examples: [
      ["A token for five minutes", "keyturn token mint --sub alice --ttl 5m --dir /var/lib/keyturn"],
      [
        "With claims of your own",
        `keyturn token mint --sub alice --claim scope=read --claim 'roles=["admin"]' --dir /var/lib/keyturn`,
      ],
    ],
  }).action(async (rotation: string | undefined, flags: MintFlags) => {
    const { sub, audience, ttl, claim: claims = [], type = "JWT", ...home } = flags;
    const options = {
      ...{ subject: sub, claims, type },
      ...(audience !== undefined && { audience }),
      ...(ttl !== undefined && { ttlMs: ttl }),
    };
    cli.ended(await mint(await cli.openHome(withRotation(rotation, home)), options, cli.io));
  });
}

function claimOf(text: string): Claim {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`Cannot use --claim ${quoted(text)}: must be name=value`);
  const value = text.slice(at + 1);
  return { name: text.slice(0, at), json: jsonIn(value) !== undefined ? value : JSON.stringify(value) };
}

interface VerifyFlags extends HomeFlags {
  readonly output?: "json" | "yaml";
}

function verifyCommand(cli: Cli): Command {
  return commandOf({
    name: "verify",
    summary: "say whether a token is accepted, and if not, why",
    details:
      "Judged as a gateway judges it that has read what is published. Exit code 1 when it is refused. The token is never printed.",
    arguments: [
      new Argument("[token]", "the token; without it, or with -, it is read from standard input"),
      rotationArgument(),
    ],
    flags: [...homeFlags(), outputFlag(["json", "yaml"])],
    examples: [
      ["Why is it refused?", "keyturn token verify --dir /var/lib/keyturn < token.txt"],
      ["On a cluster", "keyturn token verify - gateway -n shop < token.txt"],
      ["There and back", "keyturn token mint --sub me -d DIR | keyturn token verify -d DIR"],
    ],
  }).action(async (token: string | undefined, rotation: string | undefined, { output, ...home }: VerifyFlags) => {
    // A line end behind it is the shell's
    const text = (token === undefined || token === "-" ? await cli.readInput() : token).trim();
    cli.ended(
      await verify(
        await cli.openHome(withRotation(rotation, home)),
        { token: text, ...(output && { output }) },
        cli.io,
      ),
    );
  });
}
