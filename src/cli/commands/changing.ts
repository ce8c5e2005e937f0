import { Argument, type Command } from "commander";
import type { ChangeOptions } from "../../tools/change.ts";
import { recover } from "../../tools/recover.ts";
import { revoke, revokeCreatedBefore } from "../../tools/revoke.ts";
import { rollback } from "../../tools/rollback.ts";
import { rotate } from "../../tools/rotate.ts";
import { wait, waitForOf, waitSteps, type WaitFor } from "../../tools/wait.ts";
import { UsageError } from "../errors.ts";
import {
  commandOf,
  deadlineOf,
  dirFlag,
  flag,
  instant,
  quoted,
  timeoutFlag,
  changeFlags,
  type ChangeFlags,
} from "../flags.ts";
import type { HomeFlags, Cli } from "../surroundings.ts";

type Flags = HomeFlags & ChangeFlags;

const optionsOf = (flags: ChangeFlags): ChangeOptions => ({
  wait: flags.wait ?? false,
  dryRun: flags.dryRun ?? false,
  ...deadlineOf(flags),
});

export function rotateCommand(cli: Cli): Command {
  return commandOf({
    name: "rotate",
    summary: "ask for a rotation",
    details:
      "The prepared key becomes the signer as soon as every verifier is known to accept it, not before. Tokens of the old\nsigner stay valid until they end.",
    flags: [dirFlag(), ...changeFlags("rotate")],
    examples: [
      ["Ask, and go on", "keyturn rotate --dir /var/lib/keyturn"],
      ["What would happen?", "keyturn rotate --dir /var/lib/keyturn --dry-run"],
      ["Stay until the new key signs", "keyturn rotate --dir /var/lib/keyturn --wait --timeout 1h"],
    ],
  }).action(async (flags: Flags) => {
    cli.ended(await rotate(await cli.openHome(flags), optionsOf(flags), cli.io));
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
    details:
      "The key is pinned: no scheduled rotation happens until --unpin. Possible as long as the key has its private half\n(rollbackWindow).",
    flags: [
      dirFlag(),
      flag("--to <kid>", "the key, or 8 characters of its beginning", {
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
  }).action(async ({ to, unpin = false, ...flags }: RollbackFlags) => {
    const options = { unpin, ...(to !== undefined && { to }), ...optionsOf(flags) };
    cli.ended(await rollback(await cli.openHome(flags), options, cli.io));
  });
}

interface RevokeFlags extends Flags {
  readonly reason?: string;
  readonly unknown?: boolean;
  readonly createdBefore?: number | "now";
}

export function revokeCommand(cli: Cli): Command {
  const parse = (text: string, name: string): number | "now" => (text === "now" ? "now" : instant(text, name));
  return commandOf({
    name: "revoke",
    summary: "have a key refused, everywhere and at once",
    details: "Its tokens are refused from now on. When it is the signer, another key takes over in the same moment.",
    arguments: [new Argument("[kid]", "the key, or 8 characters of its beginning")],
    flags: [
      dirFlag(),
      flag("--reason <text>", "why, for whoever reads the ring later; needed with a kid", { owner: "revoke" }),
      flag("--unknown", "remember a kid that the ring has never seen", { owner: "revoke" }),
      flag("--created-before <instant>", "every key made before it, the prepared one included; or now", {
        owner: "revoke",
        parse,
      }),
      ...changeFlags("revoke"),
    ],
    examples: [
      ["A key was stolen", 'keyturn revoke 3fJk9aQx --reason "laptop stolen" --dir /var/lib/keyturn --wait'],
      ["The whole ring leaked", "keyturn revoke --created-before now --dir /var/lib/keyturn --wait"],
    ],
  }).action(async (kid: string | undefined, flags: RevokeFlags) => {
    cli.ended(await revokeBy(kid, flags, cli));
  });
}

async function revokeBy(kid: string | undefined, flags: RevokeFlags, cli: Cli) {
  const { createdBefore, reason, unknown = false } = flags;
  if ((kid === undefined) === (createdBefore === undefined)) {
    throw new UsageError("Cannot revoke: must have either a kid or --created-before");
  }
  if (kid === undefined) {
    const atMs = createdBefore === undefined || createdBefore === "now" ? cli.io.nowMs() : createdBefore;
    return revokeCreatedBefore(await cli.openHome(flags), { atMs, ...optionsOf(flags) }, cli.io);
  }
  if (reason === undefined || reason === "") throw new UsageError(`Cannot revoke ${quoted(kid)}: must have a --reason`);
  return revoke(await cli.openHome(flags), { kid, reason, unknown, ...optionsOf(flags) }, cli.io);
}

export function recoverCommand(cli: Cli): Command {
  return commandOf({
    name: "recover",
    summary: "rebuild a ring that is damaged or older than what its gateways have seen",
    details: "Only while the rotation is stalled for one of these reasons. Nothing that is still whole gets lost.",
    flags: [
      dirFlag(),
      flag("--jwks <file>", "public keys that are to be verified for a window, too (a JWK Set)", { owner: "recover" }),
      ...changeFlags("recover"),
    ],
    examples: [
      ["Rebuild from what is left", "keyturn recover --dir /var/lib/keyturn --wait"],
      ["Keep what caches still serve", "keyturn recover --dir /var/lib/keyturn --jwks saved-jwks.json"],
    ],
  }).action(async ({ jwks, ...flags }: Flags & { readonly jwks?: string }) => {
    const text = jwks === undefined ? {} : { jwks: await cli.readFile(jwks) };
    cli.ended(await recover(await cli.openHome(flags), { ...text, ...optionsOf(flags) }, cli.io));
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
    details: `Ready: every verifier accepts the signer. rotated: nothing that was asked for is left to do. step=NAME: the next\nstep of that kind (${waitSteps.join(", ")}) is done.`,
    flags: [
      dirFlag(),
      flag("--for <what>", "Ready, rotated or step=NAME", { owner: "wait", parse }).makeOptionMandatory(),
      timeoutFlag("wait"),
    ],
    examples: [
      ["Before the first token is signed", "keyturn wait --for=Ready --timeout 1m --dir /var/lib/keyturn"],
      ["Until the next key signs", "keyturn wait --for=step=activate --dir /var/lib/keyturn"],
    ],
  }).action(async (flags: ForFlags) => {
    const options = { for: flags.for, ...deadlineOf(flags) };
    cli.ended(await wait(await cli.openHome(flags), options, cli.io));
  });
}
