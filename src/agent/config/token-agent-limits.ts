import { type DurationBounds, printable, type TextLimit, type WholeBounds } from "../../parse/forms.ts";
import { hourMs, secondMs } from "../../parse/duration.ts";
import { dnsLabel, plainText, webTexts } from "../../parse/text-limits.ts";

/** Every bound and default of a TokenAgent, as data; docs/agent.md has the same. Lengths are UTF-16 units. */

/** Least and most, both allowed, in milliseconds: what an issuer may be asked for. */
export const agentDurations = {
  accessTtl: { leastMs: secondMs, mostMs: 8760 * hourMs },
  refreshTtl: { leastMs: secondMs, mostMs: 2160 * hourMs },
} as const satisfies Record<string, DurationBounds>;

/** The most items of a list. */
export const agentCounts = {
  identities: 10_000,
  audiences: 32,
  scopes: 128,
  sinks: 16,
  command: 64,
  proxies: 64,
  sockets: 1024,
} as const;

/** In force where a field is unset. */
export const agentDefaults = { mode: 0o600, socketMode: 0o660, format: "Token", keep: "Always" } as const;

/** Of groups that have no name here. */
export const groupNumber = { least: 0, most: 2 ** 32 - 2 } as const satisfies WholeBounds;

/** What may tell a process of a new token. */
export const notifySignals = ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT", "SIGQUIT", "SIGWINCH"] as const;

export const agentTexts = {
  ...webTexts,
  name: {
    most: 63,
    form: new RegExp(`^${dnsLabel}$`),
    must: "must be 1 to 63 of a-z, 0-9 and -, a letter or digit first and last",
  },
  audience: printable(512),
  subject: printable(255),
  mode: {
    most: 4,
    form: /^0[4-7][0-7]{2}$/,
    must: 'must be four octal digits such as "0640", the owner being one who may read',
  },
  socketMode: {
    most: 4,
    form: /^0[67][0-7]{2}$/,
    must: 'must be four octal digits such as "0660", the owner being one who may read and write',
  },
  group: {
    most: 32,
    form: /^(?:\d+|[A-Za-z_][A-Za-z0-9_.-]*\$?)$/,
    must: "must be the name or the number of a group",
  },
  argument: { most: 4096, form: /^[^\u0000]*$/, must: "must be a text of up to 4096 characters" },
  listen: plainText(255),
} as const satisfies Record<string, TextLimit>;
