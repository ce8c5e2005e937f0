import { Argument, type Command } from "commander";
import type { ChangeOptions } from "../../tools/change/ask-change.ts";
import { recover } from "../../tools/change/recover.ts";
import { revoke, revokeCreatedBefore } from "../../tools/change/revoke.ts";
import { rollback } from "../../tools/change/rollback.ts";
import { rotate } from "../../tools/change/rotate.ts";
import { wait, waitForOf, waitSteps, type WaitFor } from "../../tools/follow/wait.ts";
import { UsageError } from "../report-error.ts";
import { commandOf, deadlineOf, flag, instantFlag, timeoutFlag, changeFlags, type ChangeFlags } from "../flags.ts";
import { homeFlags, plainName, rotationArgument, withRotation } from "../home-flags.ts";
import type { HomeFlags, Cli } from "../surroundings.ts";
import { quoted } from "../../errors/quote.ts";

type Flags = HomeFlags & ChangeFlags;

const optionsOf = (flags: ChangeFlags): ChangeOptions => ({
  wait: flags.wait ?? false,
  dryRun: flags.dryRun ?? false,
  force: flags.force ?? false,
  ...deadlineOf(flags),
});

export function rotateCommand(cli: Cli): Command {
  return commandOf({
    name: "rotate",
    summary: "ask for a rotation",
    arguments: [rotationArgument()],
    details:
      "The prepared key becomes the signer as soon as every verifier is known to accept it, not before. Tokens of the old\nsigner stay valid until they end.",
    flags: [...homeFlags(), ...changeFlags("rotate")],
    examples: [
      ["Ask, and go on", "keyturn rotate --dir /var/lib/keyturn"],
      ["On a cluster, and stay until the new key signs", "keyturn rotate gateway -n shop --wait"],
      ["What would happen?", "keyturn rotate --dir /var/lib/keyturn --dry-run"],
      ["Stay until the new key signs", "keyturn rotate --dir /var/lib/keyturn --wait --timeout 1h"],
    ],
  }).action(async (rotation: string | undefined, flags: Flags) => {
    cli.ended(await rotate(await cli.openHome(withRotation(rotation, flags)), optionsOf(flags), cli.io));
  });
}

interface RollbackFlags extends Flags {
  readonly to?: string;
  readonly unpin?: boolean;
}

export function rollbackCommand(cli: Cli): Command {
  return commandOf({
    name: "rollback",
    summary: "have an earlier key sign again, and hold it",
    arguments: [rotationArgument()],
    details:
      "The key is pinned: no scheduled rotation happens until --unpin. Possible as long as the key has its private half\n(rollbackWindow).",
    flags: [
      ...homeFlags(),
      flag("--to <kid>", "the key, or its beginning", {
        owner: "rollback",
        otherwise: "the previous signer",
      }),
      flag("--unpin", "end the pin: the schedule decides again", { owner: "rollback" }).conflicts(["to", "wait"]),
      ...changeFlags("rollback"),
    ],
    examples: [
      ["The new key makes trouble: back to the one before", "keyturn rollback --dir /var/lib/keyturn --wait"],
      ["Go on as before", "keyturn rollback --dir /var/lib/keyturn --unpin"],
    ],
  }).action(async (rotation: string | undefined, { to, unpin = false, ...flags }: RollbackFlags) => {
    const options = { unpin, ...(to !== undefined && { to }), ...optionsOf(flags) };
    cli.ended(await rollback(await cli.openHome(withRotation(rotation, flags)), options, cli.io));
  });
}

interface RevokeFlags extends Flags {
  readonly reason?: string;
  readonly unknown?: boolean;
  readonly createdBefore?: number | "now";
}

export function revokeCommand(cli: Cli): Command {
  const parse = (text: string, name: string): number | "now" => (text === "now" ? "now" : instantFlag(text, name));
  return commandOf({
    name: "revoke",
    summary: "have a key refused, everywhere and at once",
    details: "Its tokens are refused from now on. When it is the signer, another key takes over in the same moment.",
    arguments: [new Argument("[kid]", "the key, or its beginning"), rotationArgument()],
    flags: [
      ...homeFlags(),
      flag("--reason <text>", "why, for whoever reads the ring later; needed with a kid", { owner: "revoke" }),
      flag("--unknown", "remember a kid that the ring has never seen", { owner: "revoke" }),
      flag("--created-before <instant>", "every key made before it, the prepared one included; or now: all of them", {
        owner: "revoke",
        parse,
      }),
      ...changeFlags("revoke"),
    ],
    examples: [
      ["A key was stolen", 'keyturn revoke 3fJk9aQx --reason "laptop stolen" --dir /var/lib/keyturn --wait'],
      ["On a cluster", 'keyturn revoke 3fJk9aQx gateway -n shop --reason "laptop stolen"'],
      ["The whole ring leaked", "keyturn revoke --created-before now --dir /var/lib/keyturn --wait"],
    ],
  }).action(async (first: string | undefined, second: string | undefined, flags: RevokeFlags) => {
    cli.ended(await revokeBy(first, second, { cli, flags }));
  });
}

async function revokeBy(first: string | undefined, second: string | undefined, { cli, flags }: Revoking) {
  const { createdBefore, reason, unknown = false } = flags;
  // With --created-before the only argument is the rotation
  const [kid, rotation] =
    createdBefore === undefined || second !== undefined ? [first, second] : [undefined, first && plainName(first)];
  if ((kid === undefined) === (createdBefore === undefined)) {
    throw new UsageError("Cannot revoke: must have either a kid or --created-before");
  }
  const home = withRotation(rotation, flags);
  if (kid === undefined) {
    const atMs = createdBefore ?? "now";
    return revokeCreatedBefore(await cli.openHome(home), { atMs, ...optionsOf(flags) }, cli.io);
  }
  if (reason === undefined || reason === "") throw new UsageError(`Cannot revoke ${quoted(kid)}: must have a --reason`);
  return revoke(await cli.openHome(home), { kid, reason, unknown, ...optionsOf(flags) }, cli.io);
}

interface Revoking {
  readonly cli: Cli;
  readonly flags: RevokeFlags;
}

export function recoverCommand(cli: Cli): Command {
  return commandOf({
    name: "recover",
    summary: "rebuild a ring that is damaged or older than what its gateways have seen",
    arguments: [rotationArgument()],
    details: [
      "Only while the rotation is stalled for one of these reasons. Everything that is still whole is used; keys that can't be taken",
      "over are set aside, and it says where, before and after. A set that is brought along with --jwks is refused, and nothing is",
      "asked for, when one of its signing keys can't be used; keys for something else (use: enc) and of unknown types are left out.",
    ].join(" "),
    flags: [
      ...homeFlags(),
      flag("--jwks <file>", "public keys that are to be verified for a window, too (a JWK Set)", { owner: "recover" }),
      ...changeFlags("recover"),
    ],
    examples: [
      ["Rebuild from what is left", "keyturn recover --dir /var/lib/keyturn --wait"],
      ["Keep what caches still serve", "keyturn recover --dir /var/lib/keyturn --jwks saved-jwks.json"],
    ],
  }).action(async (rotation: string | undefined, { jwks, ...flags }: Flags & { readonly jwks?: string }) => {
    const text = jwks === undefined ? {} : { jwks: await cli.readFile(jwks) };
    cli.ended(
      await recover(await cli.openHome(withRotation(rotation, flags)), { ...text, ...optionsOf(flags) }, cli.io),
    );
  });
}

interface ForFlags extends HomeFlags {
  readonly for: WaitFor;
  readonly timeout?: number;
}

export function waitCommand(cli: Cli): Command {
  const parse = (text: string, name: string): WaitFor => {
    const target = waitForOf(text);
    if (target) return target;
    const steps = waitSteps.map((step) => `step=${step}`).join(", ");
    throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be Ready, rotated or one of ${steps}`);
  };
  return commandOf({
    name: "wait",
    summary: "stay until something is true",
    arguments: [rotationArgument()],
    details: `Ready: every verifier accepts the signer. rotated: nothing that was asked for is left to do. step=NAME: the next\nstep of that kind (${waitSteps.join(", ")}) is done.`,
    flags: [
      ...homeFlags(),
      flag("--for <what>", "Ready, rotated or step=NAME", { owner: "wait", parse }).makeOptionMandatory(),
      timeoutFlag("wait"),
    ],
    examples: [
      ["Before the first token is signed", "keyturn wait --for=Ready --timeout 1m --dir /var/lib/keyturn"],
      ["Until the next key signs", "keyturn wait gateway -n shop --for=step=activate"],
    ],
  }).action(async (rotation: string | undefined, flags: ForFlags) => {
    const options = { for: flags.for, ...deadlineOf(flags) };
    cli.ended(await wait(await cli.openHome(withRotation(rotation, flags)), options, cli.io));
  });
}
