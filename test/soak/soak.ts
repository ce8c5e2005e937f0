import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../hack/run.ts";
import { startCluster } from "../../hack/testcluster/cluster.ts";
import { rungs } from "../../hack/testcluster/ladder.ts";
import { Keyturn } from "../binary/support/keyturn.ts";
import { Diary } from "./judge/diary.ts";
import { Ledger } from "./judge/ledger.ts";
import { type Parties, Traffic } from "./judge/traffic.ts";
import type { SoakOptions } from "./options.ts";
import { play, type World } from "./play.ts";
import { faketimeLibrary } from "./programs/faketime.ts";
import { footprints, type Prints, type Report } from "./report.ts";
import type { Trouble } from "./schedule.ts";
import { chosen } from "./troubles/chosen.ts";
import { clusterTroubles } from "./troubles/cluster.ts";
import { standaloneTroubles } from "./troubles/standalone.ts";
import { ClusterWorld } from "./world/cluster.ts";
import { DirectoryWorld } from "./world/directory.ts";
import { claims, healthyWithinMs } from "./world/settings.ts";
import { Site } from "./world/site.ts";
import { until } from "./world/until.ts";

type Say = (line: string) => void;

/** A world that can be started, troubled and ended. */
interface Side<W extends World> {
  readonly world: W & {
    start(): Promise<void>;
    end(): Promise<void>;
    readonly gateways: Parties["gateways"];
    readonly files: Parties["files"];
    readonly prints: () => Prints;
  };
  readonly troubles: readonly Trouble<W>[];
  readonly dispose?: () => Promise<void>;
}

interface Place {
  readonly folder: string;
  readonly logs: string;
  readonly keyturn: readonly [string, ...string[]];
  readonly library: string | undefined;
}

async function cluster(place: Place, books: { ledger: Ledger; diary: Diary }, say: Say): Promise<Side<ClusterWorld>> {
  const made = await startCluster({
    manifests: [join(root, "crds")],
    say,
    ways: rungs().filter(({ hasServers }) => hasServers === true),
  });
  const site = await Site.make({ ...place, cluster: made, folder: join(place.folder, "cluster") });
  return {
    world: new ClusterWorld(site, books),
    troubles: clusterTroubles,
    dispose: () => made.stop({ keepLogs: books.ledger.wrongs.size > 0 }),
  };
}

/** Runs worlds, traffic and troubles until the time is over, and tells what came of it. */
export async function soak(options: SoakOptions, say: Say): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-soak-"));
  const logs = join(folder, "logs");
  await mkdir(logs);
  const program = await Keyturn.build();
  const faketime = await faketimeLibrary();
  if ("missing" in faketime) say(`✗ without clocks that are set: ${faketime.missing}`);
  const library = "path" in faketime ? faketime.path : undefined;
  const place: Place = { folder, logs, keyturn: program.command, library };
  const run = <W extends World>(side: Side<W>): Promise<SideReport> => runSide(side, { ...options, library }, say);
  const books = (): { ledger: Ledger; diary: Diary } => {
    const diary = new Diary();
    return { diary, ledger: new Ledger(diary) };
  };
  const startedAtMs = performance.now();
  try {
    const sides = await Promise.all([
      ...(options.sides.includes("cluster") ? [cluster(place, books(), say).then(run)] : []),
      ...(options.sides.includes("standalone")
        ? [
            run({
              world: new DirectoryWorld({ ...place, folder: join(folder, "standalone") }, books()),
              troubles: standaloneTroubles,
            }),
          ]
        : []),
    ]);
    const seconds = Math.round((performance.now() - startedAtMs) / 1000);
    const isWrong = sides.some(({ ledger }) => ledger.wrongs.size > 0);
    if (!isWrong) await rm(folder, { recursive: true, force: true });
    return {
      options,
      seconds,
      sides,
      ...("missing" in faketime && { missing: faketime.missing }),
      ...(isWrong && { logs }),
    };
  } finally {
    await program.remove();
  }
}

type SideReport = Report["sides"][number];

async function runSide<W extends World>(
  { world, troubles, dispose }: Side<W>,
  options: SoakOptions & { readonly library: string | undefined },
  say: Say,
): Promise<SideReport> {
  const { ledger, diary, side } = world;
  const traffic = new Traffic({ side, claims, gateways: world.gateways, files: world.files }, ledger);
  try {
    await world.start();
    let said = "";
    const look = async (): Promise<string | undefined> => {
      const ails = await world.ails().catch((error: unknown) => String(error));
      if (ails !== undefined && ails !== said) say(`${side} begins: ${(said = ails)}`);
      return ails;
    };
    const ails = await until(look, healthyWithinMs);
    if (ails !== undefined) throw new Error(`Cannot begin the soak: ${side} never was healthy: ${ails}`);
    say(`${side} is healthy`);
    const atStart = world.prints();
    traffic.start();
    const untilMs = performance.now() + options.minutes * 60_000;
    const longestMs = await play(world, chosen(troubles, options), { ...options, untilMs, say });
    await traffic.end();
    return { side, ledger, diary, longestMs, prints: footprints(atStart, world.prints()) };
  } finally {
    await traffic.end();
    await world.end();
    await dispose?.();
  }
}
