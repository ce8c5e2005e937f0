import { describe, expect, it } from "vitest";
import { TryLaterError } from "../../src/errors/keyturn-error.ts";
import type { Sources } from "../../src/keeper/observe.ts";
import { hasProgressed, type PassOptions, type PassReport, runPass } from "../../src/keeper/pass.ts";
import { parseRotation } from "../../src/ring/resource/rotation.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { epoch, minute } from "../support/story.ts";
import { MemoryStore, type MemoryRead } from "./support/memory-store.ts";

const refused = new Error("the disk is full");
const conflict = new TryLaterError("Conflict", "Cannot write: must be as it was read");

/** A rotation in memory, whose passes are made by hand. */
class Keeper {
  readonly store = new MemoryStore();
  revoked: readonly string[] = [];
  unseen: Error | undefined;
  nowMs = epoch;
  readonly #name: string;

  constructor(name = "gateway") {
    this.#name = name;
  }

  pass(options: PassOptions = {}): Promise<PassReport<MemoryRead>> {
    this.store.calls.length = 0;
    this.nowMs += minute;
    return runPass(this.#sources(), options);
  }

  /** Passes until one writes nothing. Returns the ring. */
  async settle(): Promise<Ring> {
    for (let passes = 0; passes < 10; passes++) {
      const report = await this.pass();
      if (!hasProgressed(report) && report.ring) return report.ring;
    }
    throw new Error("the passes do not come to an end");
  }

  #sources(): Sources<MemoryRead> {
    const rotation = parseRotation({
      apiVersion: "keyturn.dev/v1alpha1",
      kind: "JwtKeyRotation",
      metadata: { name: this.#name },
      spec: {
        tokens: { issuer: "https://issuer.example", audiences: ["api"] },
        revokedKids: this.revoked.map((kid) => ({ kid })),
      },
    });
    const { store, unseen, nowMs } = this;
    return {
      store,
      instructions: { told: { rotation }, requests: [] },
      recoverySeenUpToMs: epoch,
      readGateways: () => {
        store.calls.push("read gateways");
        return Promise.resolve({ gateways: [], warnings: [], ...(unseen && { unseen }) });
      },
      readClock: () => {
        store.calls.push("read clock");
        return { trusted: true, nowMs, waitsFromMs: nowMs };
      },
      claims: () => [],
    };
  }
}

const reads = ["read signer", "read public", "read gateways", "read ring", "read clock"];
const typesOf = ({ steps }: PassReport): readonly string[] => steps.map(({ type }) => type);
const unwrittenIn = ({ unwritten }: PassReport): readonly string[] => unwritten.map(({ object }) => object);

async function settled(): Promise<{ readonly keeper: Keeper; readonly ring: Ring }> {
  const keeper = new Keeper();
  return { keeper, ring: await keeper.settle() };
}

/** The signer is to be revoked. */
async function emergency(): Promise<{ readonly keeper: Keeper; readonly kid: string }> {
  const { keeper, ring } = await settled();
  keeper.revoked = [ring.signer.kid];
  return { keeper, kid: ring.signer.kid };
}

describe("runPass", () => {
  it("reads projections, gateways, ring and clock in this order, and then writes the ring before its projections", async () => {
    const keeper = new Keeper();
    expect(typesOf(await keeper.pass())).toEqual(["begin", "create"]);
    expect(keeper.store.calls).toEqual([...reads, "commit", "publish public", "publish signer"]);
  });

  it("done twice is the same as once", async () => {
    const { keeper, ring } = await settled();
    const report = await keeper.pass();
    expect(report).toMatchObject({ ring, steps: [], published: [], unwritten: [] });
    expect(keeper.store.calls).not.toContain("commit");
  });

  it("tells of the ring as soon as it is written, before anything else may fail", async () => {
    const keeper = new Keeper();
    keeper.store.faults = { public: refused };
    const told: (readonly string[])[] = [];
    await keeper.pass({ onCommitted: ({ steps }) => told.push([...keeper.store.calls, ...steps.map((s) => s.type)]) });
    expect(told).toEqual([[...reads, "commit", "begin", "create"]]);
  });

  it("makes good what a crash between ring and projections has left", async () => {
    const keeper = new Keeper();
    keeper.store.faults = { public: refused };
    const { ring } = await keeper.pass();
    keeper.store.faults = {};
    expect(await keeper.pass()).toMatchObject({ ring, published: ["public", "signer"], unwritten: [] });
  });

  it("does nothing while a ring that can't be read stalls it", async () => {
    const { keeper } = await settled();
    keeper.store.replace("ring", { "keyring.json": "damaged" });
    const report = await keeper.pass();
    expect(report.decision).toMatchObject({ kind: "stalled", reason: "RingUnreadable" });
    expect(keeper.store.calls).toEqual(reads);
  });

  it("makes no ring anew for a rotation that is being deleted, and carries out what is asked of one that is there", async () => {
    const gone = new Keeper();
    expect(await gone.pass({ isLeaving: true })).toMatchObject({ steps: [], published: [] });
    expect(gone.store.calls).toEqual(reads);
    const { keeper } = await emergency();
    expect(typesOf(await keeper.pass({ isLeaving: true }))).toContain("revoke");
  });
});

describe("runPass, where the ring can't be written,", () => {
  it.each([refused, conflict])("fails as the store does while there is none: %s", async (fault) => {
    const keeper = new Keeper();
    keeper.store.faults = { ring: fault };
    await expect(keeper.pass()).rejects.toBe(fault);
    expect(keeper.store.calls).toEqual([...reads, "commit"]);
  });

  it("fails when somebody else was faster, and publishes nothing", async () => {
    const { keeper, kid } = await emergency();
    keeper.store.beforeWrite = (object) => {
      if (object === "ring") keeper.store.faults = { ring: conflict };
      return Promise.resolve();
    };
    await expect(keeper.pass()).rejects.toBe(conflict);
    expect(keeper.store.calls).toEqual([...reads, "commit"]);
    keeper.store.beforeWrite = undefined;
    keeper.store.faults = {};
    expect((await keeper.settle()).revoked.map((one) => one.kid)).toEqual([kid]);
  });

  it("looks after the projections of the ring that is there, and tells of nothing that was not done", async () => {
    const { keeper, kid } = await emergency();
    keeper.store.faults = { ring: refused };
    keeper.store.replace("public", {});
    const told: unknown[] = [];
    const report = await keeper.pass({ onCommitted: (committed) => told.push(committed) });
    expect(report).toMatchObject({ ring: { signer: { kid } }, steps: [], published: ["public"] });
    expect(unwrittenIn(report)).toEqual(["ring"]);
    expect(told).toEqual([]);
  });
});

describe("runPass, where one projection can't be written,", () => {
  it("lets the signer object wait for the public one when there is no emergency", async () => {
    const keeper = new Keeper();
    keeper.store.faults = { public: refused };
    const report = await keeper.pass();
    expect([report.published, unwrittenIn(report)]).toEqual([[], ["public"]]);
    expect(keeper.store.calls).not.toContain("publish signer");
  });

  it.each([
    ["signer", "public"],
    ["public", "signer"],
  ] as const)("carries a revocation into the other one when %s is refused", async (fault, other) => {
    const { keeper, kid } = await emergency();
    keeper.store.faults = { [fault]: refused };
    const report = await keeper.pass();
    expect([report.published, unwrittenIn(report)]).toEqual([[other], [fault]]);
    expect(report.ring?.signer.kid).not.toBe(kid);
    expect(keeper.store.calls.slice(-2)).toEqual(["publish signer", "publish public"]);
    keeper.store.faults = {};
    expect((await keeper.pass()).published).toContain(fault);
  });

  it("reports a conflict there as it does any other failure, after the other one", async () => {
    const { keeper } = await emergency();
    keeper.store.faults = { signer: conflict };
    const { published, unwritten } = await keeper.pass();
    expect([published, unwritten]).toEqual([["public"], [{ object: "signer", error: conflict }]]);
  });

  it("never writes one that is somebody else's, and revokes all the same", async () => {
    const { keeper } = await emergency();
    const other = new Keeper("other");
    await other.settle();
    keeper.store.replace("public", other.store.filesOf("public"));
    const report = await keeper.pass();
    expect(typesOf(report)).toContain("revoke");
    expect(report.published).toEqual(["signer"]);
    expect(keeper.store.calls).not.toContain("publish public");
  });
});

describe("runPass, where the gateways can't all be seen,", () => {
  const unseen = new Error("Cannot list pods: no answer came");

  it("makes no ring: it must not be older than what gateways have", async () => {
    const keeper = new Keeper();
    keeper.unseen = unseen;
    await expect(keeper.pass()).rejects.toBe(unseen);
    expect(keeper.store.calls).toEqual(reads);
  });

  it("revokes all the same, and says what is not in force", async () => {
    const { keeper } = await emergency();
    keeper.unseen = unseen;
    const report = await keeper.pass();
    expect(typesOf(report)).toContain("revoke");
    expect(report.seen.unseen).toBe(unseen);
    expect(report.seen.observation.refused).toEqual({ reason: "ApiRefused", message: unseen.message, holds: true });
  });
});
