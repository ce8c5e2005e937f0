import type { Counts } from "../workload/counts.ts";
import type { SessionCounts, SessionReport } from "../workload/session-counts.ts";
import { delaysMs } from "./bars.ts";
import type { Record as Story } from "./record.ts";

/** What a run leaves. */
export interface Evidence {
  readonly record: Story;
  readonly counts: Counts;
  /** How often a gateway was started again, by pod. */
  readonly restarts: Readonly<Record<string, number>>;
  /** The step at which the story ended before its time. */
  readonly failed?: string | undefined;
  readonly versions: Readonly<Record<string, string>>;
}

const number = (value: number): string => value.toLocaleString("en-US");
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const ways: Readonly<Record<string, string>> = {
  proxy: "the agent's proxy",
  file: "the agent's file",
  client: "@keyturn/client",
};

/** The result in one line. */
export function headlineOf({ record, counts, restarts, failed }: Evidence): string {
  const kids = new Set(record.rings.flatMap(({ keys }) => keys.map(({ kid }) => kid)));
  return [
    `${kids.size} keys, ${number(counts.tokens)} tokens, ${number(counts.verifications)} verifications`,
    `${number(counts.refused)} valid refused`,
    `${sum(Object.values(restarts))} restarts`,
    ...(failed === undefined ? [] : [`ended at: ${failed}`]),
  ].join(" · ");
}

function rows(evidence: Evidence): readonly (readonly [string, string])[] {
  const { counts, restarts, record, versions } = evidence;
  const delays = record.replicas.flatMap((replica) => delaysMs(replica, record.rings)).sort((a, b) => a - b);
  const of = (share: number): string => seconds(delays[Math.floor((delays.length - 1) * share)] ?? 0);
  return [
    ["tokens minted by the replicas", number(counts.tokens)],
    ["verifications of valid tokens, at every replica", number(counts.verifications)],
    ["the same by jose against the JWKS", number(counts.joseVerifications)],
    ["valid tokens refused", number(counts.refused)],
    ["any other wrong answer", number(counts.wrongs - counts.refused)],
    ["valid tokens whose connection broke", number(sum(Object.values(counts.unreachable)))],
    ["tokens of the revoked key that were still about", number(counts.revokedTokens)],
    ["of these, refused by every replica", number(counts.revokedRefusedEverywhere)],
    ["refusals of them", number(counts.revokedRefusals)],
    ["renewals by the issuer", number(sum(counts.grants.map(({ renewals }) => renewals)))],
    ["of these, refused", number(counts.grants.flatMap(({ refused }) => refused).length)],
    ["refusals of a token that no key of the ring signed", number(counts.foreignRefusals)],
    ...counts.callers.map(({ way, calls, refused }): readonly [string, string] => [
      `calls of an application whose token comes by ${ways[way] ?? way}; refused`,
      `${number(calls)}; ${number(refused.length)}`,
    ]),
    ...sessionRows(counts.sessions),
    ["restarts of gateways, agents and issuers", number(sum(Object.values(restarts)))],
    ["rings let out", number(record.rings.length)],
    ["from a ring to a replica's acknowledgement: median, longest", `${of(0.5)}, ${of(1)}`],
    [
      "on",
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
  ];
}

function sessionRows({ clients, heard, twice, lost }: SessionCounts): readonly (readonly [string, string])[] {
  const all = (of: (client: SessionReport) => number): string => number(sum(clients.map(of)));
  return [
    ["sessions of clients", all(({ sessions }) => sessions)],
    ["messages that clients sent; heard by an application", `${all(({ sent }) => sent)}; ${number(heard)}`],
    ["of these, heard twice; confirmed and not heard", `${number(twice.length)}; ${number(lost.length)}`],
    ["of these, in doubt for their sender, who sent them again", all(({ inDoubt }) => inDoubt.length)],
    ["echoes that came back; twice", `${all(({ echoed }) => echoed)}; ${all((client) => client.twice.length)}`],
  ];
}

/** The report of a run, as Markdown. */
export function reportOf(evidence: Evidence): string {
  const { record } = evidence;
  const table = (lines: readonly (readonly string[])[]): string =>
    lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const steps = record.steps.map(({ name, startedAtMs, endedAtMs }, index) => [
    String(index + 1),
    name,
    seconds(startedAtMs - record.startedAtMs),
    seconds(endedAtMs - startedAtMs),
  ]);
  return [
    `# One story with real pods, ${new Date(record.startedAtMs).toISOString()}`,
    headlineOf(evidence),
    "![keys, steps and replicas](e2e.svg)",
    table([["what", "how much"], ["---", "---"], ...rows(evidence)]),
    table([["", "step", "at", "took"], ["---", "---", "--:", "--:"], ...steps]),
    "",
  ].join("\n\n");
}
