import type { Command } from "commander";
import { rotationIn } from "../../standalone/settings/config.ts";
import { parseRotation, requestsOf } from "../../ring/resource/rotation.ts";
import { jwks } from "../../tools/show-jwks.ts";
import { overview } from "../../tools/status/overview.ts";
import { watchOverview } from "../../tools/status/watch-overview.ts";
import { plan, type WhatIf } from "../../tools/plan/show-plan.ts";
import { status } from "../../tools/status/show-status.ts";
import { timeline } from "../../tools/timeline/show-timeline.ts";
import { commandOf, durationFlag, flag, instantFlag, outputFlag } from "../flags.ts";
import { objectFormat, objectOutputFlag } from "../object-format.ts";
import { homeFlags, rotationArgument, withRotation } from "../home-flags.ts";
import type { HomeFlags, Cli } from "../surroundings.ts";

interface StatusFlags extends HomeFlags {
  readonly output?: string;
  readonly watch?: boolean;
}

export function statusCommand(cli: Cli): Command {
  return commandOf({
    name: "status",
    summary: "show the rotation: conditions, what comes next, a picture of the keys",
    details:
      "On a cluster without a name, where the namespace has several: all of them in a table, as the controller reported them.",
    arguments: [rotationArgument()],
    flags: [
      ...homeFlags(),
      objectOutputFlag(),
      flag("-A, --all-namespaces", "all rotations of the cluster, in a table", { owner: "status" }),
      flag("-l, --selector <labels>", "those with these labels, in a table: team=shop,tier!=test", { owner: "status" }),
      flag("-w, --watch", "go on: redrawn on a terminal, a line for each change otherwise", { owner: "status" }),
    ],
    examples: [
      ["How is it?", "keyturn status --dir /var/lib/keyturn"],
      ["How are those of the cluster?", "keyturn status -A"],
      ["Which key signs?", "keyturn status gateway -n shop -o jsonpath={.status.activeKid}"],
      ["Watch a rotation happen", "keyturn status gateway -n shop --watch"],
      ["When does it rotate next?", "keyturn status --dir /var/lib/keyturn -o json | jq -r .status.nextRotationTime"],
    ],
  }).action(async (rotation: string | undefined, { output, watch = false, ...flags }: StatusFlags) => {
    const format = await objectFormat(output);
    const shown = await cli.openShown(withRotation(rotation, flags));
    if ("home" in shown) cli.ended(await status(shown.home, { watch, ...(format && { output: format }) }, cli.io));
    else if (watch) cli.ended(await watchOverview(shown.several, format, cli.io));
    else cli.ended(overview(await shown.several.look(), format, cli.io));
  });
}

interface TimelineFlags extends HomeFlags {
  readonly past?: number;
  readonly future?: number;
}

export function timelineCommand(cli: Cli): Command {
  return commandOf({
    name: "timeline",
    summary: "draw the life of the keys: what was, and what will be",
    arguments: [rotationArgument()],
    flags: [
      ...homeFlags(),
      flag("--past <duration>", "how far back", {
        owner: "timeline",
        parse: durationFlag,
        otherwise: "the oldest key",
      }),
      flag("--future <duration>", "how far ahead", {
        owner: "timeline",
        parse: durationFlag,
        otherwise: "until the present signer is pruned",
      }),
    ],
    examples: [
      ["The whole picture", "keyturn timeline --dir /var/lib/keyturn"],
      ["The next twelve hours, closely", "keyturn timeline --dir /var/lib/keyturn --past 1h --future 12h"],
    ],
  }).action(async (rotation: string | undefined, { past, future, ...flags }: TimelineFlags) => {
    const range = { ...(past !== undefined && { pastMs: past }), ...(future !== undefined && { futureMs: future }) };
    cli.ended(await timeline(await cli.openHome(withRotation(rotation, flags)), range, cli.io));
  });
}

interface PlanFlags extends HomeFlags {
  readonly output?: "json" | "yaml";
  readonly at?: number;
  readonly spec?: string;
}

export function planCommand(cli: Cli): Command {
  return commandOf({
    name: "plan",
    summary: "show what happens next, when, and what it waits for; change nothing",
    arguments: [rotationArgument()],
    flags: [
      ...homeFlags(),
      outputFlag(["json", "yaml"]),
      flag("--at <instant>", "as if it were then, and everything had gone as forecast", {
        owner: "plan",
        parse: instantFlag,
      }),
      flag("--spec <file>", "as if the rotation had this spec from now on", { owner: "plan" }),
    ],
    examples: [
      ["What comes?", "keyturn plan gateway -n shop"],
      ["What would a longer window change?", "keyturn plan --dir /var/lib/keyturn --spec edited.yaml"],
      ["What waits on New Year's Day?", "keyturn plan --dir /var/lib/keyturn --at 2027-01-01T00:00:00Z"],
    ],
  }).action(async (rotation: string | undefined, { output, at, spec, ...flags }: PlanFlags) => {
    const options = {
      ...(output && { output }),
      ...(at !== undefined && { atMs: at }),
      ...(spec !== undefined && { whatIf: await whatIf(spec, cli) }),
    };
    cli.ended(await plan(await cli.openHome(withRotation(rotation, flags)), options, cli.io));
  });
}

async function whatIf(path: string, cli: Cli): Promise<WhatIf> {
  const rotation = parseRotation(rotationIn(await cli.readFile(path), path));
  return { name: path, policy: rotation.policy, requests: requestsOf(rotation) };
}

export function jwksCommand(cli: Cli): Command {
  return commandOf({
    name: "jwks",
    summary: "print the published JWKS",
    arguments: [rotationArgument()],
    flags: homeFlags(),
    examples: [["Which keys do verifiers see?", "keyturn jwks --dir /var/lib/keyturn | jq -r '.keys[].kid'"]],
  }).action(async (rotation: string | undefined, flags: HomeFlags) => {
    cli.ended(await jwks(await cli.openHome(withRotation(rotation, flags)), cli.io));
  });
}
