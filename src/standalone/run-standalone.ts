import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureDirs } from "../files/atomic.ts";
import { quotedPath } from "../errors/quote.ts";
import { nodeDisk, type Disk } from "../files/disk.ts";
import { groupIdOf } from "../files/groups.ts";
import { Bell } from "../time/bell.ts";
import type { PassReport } from "../keeper/pass.ts";
import { acquireLock, lockRequest, type Lock } from "../files/lock.ts";
import type { Clocks } from "../time/clock.ts";
import { type Admin, type AdminOptions, openAdmin } from "./admin/open-admin.ts";
import type { Config } from "./settings/config.ts";
import { exposureText } from "./store/exposure.ts";
import { layoutOf, modes, type Layout } from "./store/layout.ts";
import type { ProjectionName } from "../ring/codec.ts";
import type { Readers } from "./store/readers.ts";
import { closedOnTheWay } from "./store/way-in.ts";
import type { Log } from "../telemetry/log.ts";
import { Loop } from "./loop/loop.ts";
import { withStorageErrors } from "../files/storage-error.ts";
import { DirectoryStore } from "./store/directory-store.ts";

export interface StandaloneOptions {
  /** Made when it is missing. */
  readonly dir: string;
  readonly config: Config;
  /** Who may read an object: the members of that Unix group, by its name or number. @default signer: the user who runs this; public: everybody */
  readonly groups?: Partial<Readonly<Record<ProjectionName, string>>>;
  readonly clock: Clocks;
  readonly log: Log;
  /** Ends the loop after the pass that is under way. */
  readonly signal: AbortSignal;
  /** Called after every pass that did not fail. */
  readonly on?: (report: PassReport) => void;
  /** Where metrics and health are served. @default nowhere */
  readonly admin?: AdminOptions;
  /** Hears where that is. */
  readonly onListening?: (port: number) => void;
  /** @default the real disk */
  readonly disk?: Disk;
  /** How it waits. @default real timers; changes of the files ring it */
  readonly bell?: Pick<Bell, "ring" | "sleep">;
  /** From 0 to below 1, for back-off and names; not for keys. @default Math.random */
  readonly chance?: () => number;
  /** A change that the kernel does not tell of is seen after this long. @default 1000 */
  readonly pollMs?: number;
}

/**
 * Rotates the keys of a directory until the signal: resolves then, with the lock released.
 *
 * Faults of the disk and lost races are retried with back-off, a config that turns bad is reported and the old one kept.
 *
 * @throws TryLaterError `Locked` when another process runs here
 * @throws ChangeNeededError when it can't begin: a bad config, a directory of somebody else's, a group that can't be given
 */
export async function runStandalone(options: StandaloneOptions): Promise<void> {
  const { clock, log, chance = Math.random } = options;
  const readers = await readersIn(options.groups);
  const disk = options.disk ?? nodeDisk();
  const layout = await withStorageErrors(() => openDir(options.dir));
  const lock = await withStorageErrors(() => lockDir(disk, layout, { clock, chance }));
  let admin: Admin | undefined;
  try {
    admin = options.admin && (await openAdmin(options.admin, clock));
    if (admin) options.onListening?.(admin.port);
    if (lock.missing !== undefined) {
      log.warn(
        { dir: layout.dir, reason: lock.missing },
        "no lock is possible here; compare-and-swap alone guards the ring",
      );
    }
    const store = new DirectoryStore({
      ...{ disk, layout, clock, readers },
      onExposure: (exposure) => log[exposure.toAll ? "warn" : "info"]({}, exposureText(exposure)),
      onSetAside: ({ object, from, to }) =>
        log.warn({ object, to }, `${from} held what the ring does not have: it is kept in ${to}`),
    });
    await withStorageErrors(() => store.prepare());
    await tellOfClosedWays(disk, layout, { readers, log });
    const { pollMs = 1000, bell = new Bell() } = options;
    await new Loop({
      ...options,
      disk,
      layout,
      store,
      bell,
      chance,
      pollMs,
      isAlone: lock.missing === undefined,
      on: (report) => {
        admin?.pass(report);
        options.on?.(report);
      },
      onFailure: (error) => admin?.failure(error),
    }).run();
  } finally {
    await admin?.close();
    await lock.release();
  }
  log.info({ dir: layout.dir }, "stopped, as asked: the lock is free, and the keys stay");
}

async function readersIn({ signer, public: open }: StandaloneOptions["groups"] = {}): Promise<Readers> {
  return {
    ...(signer !== undefined && { signer: await groupIdOf(signer) }),
    ...(open !== undefined && { public: await groupIdOf(open) }),
  };
}

/** Links in the path that a person gave are followed once; below it there are none. */
async function openDir(dir: string): Promise<Layout> {
  await ensureDirs(nodeDisk(), resolve(dir), modes.openDir);
  return layoutOf(await realpath(dir));
}

function lockDir(
  disk: Disk,
  layout: Layout,
  { clock, chance }: { readonly clock: Clocks; readonly chance: () => number },
): Promise<Lock> {
  const locked = { path: layout.dir, lockDir: layout.lock };
  return acquireLock(disk, locked, lockRequest(clock.nowMs(), { chance, pause: (ms) => sleep(ms) }));
}

/** Whoever may read a file must get there, too. */
async function tellOfClosedWays(
  disk: Disk,
  { dir }: Layout,
  { readers, log }: { readonly readers: Readers; readonly log: Log },
): Promise<void> {
  for (const group of new Set(Object.values(readers))) {
    const closed = await withStorageErrors(() => closedOnTheWay(disk, dir, group));
    if (closed.length === 0) continue;
    const paths = closed.map(quotedPath).join(", ");
    log.warn(
      { group },
      `the group ${group} can't get to its files: ${paths} must let it in (chmod o+x, or the same group)`,
    );
  }
}
