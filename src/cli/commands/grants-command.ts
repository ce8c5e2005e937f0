import { Argument, Command } from "commander";
import { quoted } from "../../errors/quote.ts";
import { grantIdOf, type GrantState } from "../../issuer/store/grant-row.ts";
import type { GrantQuery, GrantStore } from "../../issuer/store/grant-store.ts";
import type { EndByHand } from "../../tools/grants/end-by-hand.ts";
import type { ExitCode } from "../../tools/exit.ts";
import type { DocumentFormat } from "../../tools/text/output.ts";
import { commandOf, flag, outputFlag } from "../flags.ts";
import { UsageError } from "../report-error.ts";
import { grantsLocation, type GrantFlags, whereFlags } from "../grants-location.ts";
import type { Cli } from "../surroundings.ts";
import { backupCommand } from "./grants-backup-command.ts";

const owner = "grants";
const summary = "look at grants, and end them: who may renew tokens";

export function grantsCommand(cli: Cli): Command {
  return new Command("grants")
    .summary(summary)
    .description(summary)
    .addCommand(listCommand(cli))
    .addCommand(showCommand(cli))
    .addCommand(revokeCommand(cli))
    .addCommand(backupCommand(cli));
}

/** Opens the store for as long as the work takes. */
async function onStore(
  cli: Cli,
  { flags, command }: { readonly flags: GrantFlags; readonly command: Command },
  work: (store: GrantStore) => Promise<ExitCode>,
): Promise<void> {
  const location = await grantsLocation(cli, { flags, command });
  const { openExistingStore } = await import("../../issuer/store/open-grant-store.ts");
  // A person waits; and to end all that a client has may take long
  const store = await openExistingStore(location, { maxConnections: 1, statementTimeoutMs: 60_000 });
  try {
    cli.ended(await work(store));
  } finally {
    await store.close();
  }
}

interface WhoseFlags {
  readonly subject?: string;
  readonly client?: string;
}

interface ListFlags extends GrantFlags, WhoseFlags {
  readonly parent?: Uint8Array;
  readonly state?: GrantState;
  readonly limit?: number;
  readonly after?: Uint8Array;
  readonly output?: DocumentFormat | "wide";
}

function listCommand(cli: Cli): Command {
  const own = { owner };
  const command = commandOf({
    name: "list",
    summary: "list grants, a page at a time",
    details:
      "In the order of their ids, which says nothing of their age. A page costs the same wherever it is, and however many grants there are;\nwith --state expired it reads all that has expired and is not forgotten yet.",
    flags: [
      ...whereFlags(),
      flag("--subject <sub>", "those of this subject", own),
      flag("--client <id>", "those of this client", own),
      flag("--parent <sid>", "those right below this grant", { owner, parse: grantFlag }),
      flag("--state <state>", "those that can be renewed, or can't", {
        owner,
        choices: ["active", "revoked", "expired"],
      }),
      flag("--limit <number>", "so many at most", { owner, parse: limitFlag, otherwise: "50" }),
      flag("--after <sid>", "the next page: what the page before named", { owner, parse: grantFlag }),
      outputFlag(["json", "yaml", "wide"]),
    ],
    examples: [
      ["Who is signed in?", "keyturn grants list --state active --dir /var/lib/keyturn"],
      ["The agents of a grant", "keyturn grants list --parent XcPg9SkZTmqT1lLzc9AqTw --store-file /run/secrets/store"],
      [
        "Which of hers ended because a token was used twice?",
        "keyturn grants list --subject ops:anna --state revoked --store-file /run/secrets/store -o json | jq '.items[] | select(.revocation.reason == \"reused\")'",
      ],
    ],
  });
  return command.action(async ({ limit = 50, after, state, output, ...flags }: ListFlags) => {
    const of = ownerIn(flags);
    await onStore(cli, { flags, command }, async (store) => {
      const { grantsList } = await import("../../tools/grants/look-at-grants.ts");
      const query: GrantQuery = {
        limit,
        ...(of && { of }),
        ...(after && { after }),
        ...(state && { state: { is: state, nowMs: cli.io.nowMs() } }),
      };
      return grantsList(store, { query, ...(output && { output }) }, cli.io);
    });
  });
}

function ownerIn({ subject, client, parent }: ListFlags): GrantQuery["of"] {
  const named = [subject, client, parent].filter((one) => one !== undefined);
  if (named.length > 1) throw new UsageError("Cannot list: must have one of --subject, --client and --parent");
  if (subject !== undefined) return { kind: "subject", subject };
  if (client !== undefined) return { kind: "client", clientId: client };
  return parent && { kind: "parent", id: parent };
}

interface ShowFlags extends GrantFlags {
  readonly output?: DocumentFormat;
}

function showCommand(cli: Cli): Command {
  const command = commandOf({
    name: "show",
    summary: "show all that is known of a grant, and the grants below it",
    details: "But nothing that a token could be made from.",
    arguments: [new Argument("<grant>", "the claim sid of its tokens, or the jti of one of them")],
    flags: [...whereFlags(), outputFlag(["json", "yaml"])],
    examples: [["Whose is it?", "keyturn grants show XcPg9SkZTmqT1lLzc9AqTw --dir /var/lib/keyturn"]],
  });
  return command.action(async (grant: string, { output, ...flags }: ShowFlags) => {
    const id = grantOf(grant.split(".", 1)[0] ?? "", "grant");
    await onStore(cli, { flags, command }, async (store) => {
      const { grantsShow } = await import("../../tools/grants/look-at-grants.ts");
      return grantsShow(store, { id, ...(output && { output }) }, cli.io);
    });
  });
}

interface EndFlags extends ShowFlags, WhoseFlags {
  readonly token?: string;
}

function revokeCommand(cli: Cli): Command {
  const command = commandOf({
    name: "revoke",
    summary: "end grants, or one access token: at once, and for every issuer and gateway",
    details:
      "With a grant end those below it. An access token that came without a refresh token has no grant: it ends by its subject. What it ended is printed; it asks nothing before. A running issuer hears of it from the store,\nand gateways with --revocations from the issuer.",
    arguments: [new Argument("[grant]", "the claim sid of its tokens")],
    flags: [
      ...whereFlags(),
      flag("--subject <sub>", "all grants of this subject, and every access token that it has by now", { owner }),
      flag("--client <id>", "all grants of this client", { owner }),
      flag("--token <jti>", "this access token alone; its grant goes on", { owner }),
      outputFlag(["json", "yaml"]),
    ],
    examples: [
      ["A laptop was stolen", "keyturn grants revoke XcPg9SkZTmqT1lLzc9AqTw --dir /var/lib/keyturn"],
      ["Somebody left", "keyturn grants revoke --subject ops:anna --store-file /run/secrets/store"],
      ["A client's secret leaked", "keyturn grants revoke --client ci --store-file /run/secrets/store"],
    ],
  });
  return command.action(async (grant: string | undefined, { output, ...flags }: EndFlags) => {
    const what = endIn(grant, flags);
    await onStore(cli, { flags, command }, async (store) => {
      const { grantsRevoke } = await import("../../tools/grants/end-by-hand.ts");
      return grantsRevoke(store, { what, ...(output && { output }) }, cli.io);
    });
  });
}

function endIn(grant: string | undefined, { subject, client, token }: EndFlags): EndByHand {
  const named = [grant, subject, client, token].filter((one) => one !== undefined);
  if (named.length !== 1) {
    throw new UsageError("Cannot revoke: must have a grant, or one of --subject, --client and --token");
  }
  if (subject !== undefined) return { kind: "subject", subject };
  if (client !== undefined) return { kind: "client", clientId: client };
  if (token === undefined) return { kind: "grant", id: grantOf(grant ?? "", "grant") };
  const [, sid = ""] = /^([\w-]{22})\.[\w-]{1,64}$/.exec(token) ?? [];
  const grantId = grantIdOf(sid);
  if (grantId) return { kind: "token", jti: token, grantId };
  throw new UsageError(`Cannot use --token ${quoted(token)}: must be a jti, which begins with the id of its grant`);
}

const grantFlag = (text: string, name: string): Uint8Array => grantOf(text, name);

function grantOf(text: string, name: string): Uint8Array {
  const id = grantIdOf(text);
  if (id) return id;
  const must = "must be the id of a grant, 22 characters: the claim sid of its tokens";
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: ${must}`);
}

function limitFlag(text: string, name: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 1000) return limit;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be a number from 1 to 1000`);
}
