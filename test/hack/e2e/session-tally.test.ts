import { describe, expect, it } from "vitest";
import type { LedgerEntry, SessionReport } from "../../e2e/workload/session-counts.ts";
import { SessionTally } from "../../e2e/workload/session-tally.ts";

const report = (instance: string, confirmed: number): SessionReport => ({
  ...{ instance, transport: "gRPC", sent: confirmed, confirmed, echoed: confirmed, twice: [], inDoubt: [] },
  ...{ sessions: 1, ends: [], grant: "", kid: "", ended: "" },
});

let words = 0;
const entry = (id: number, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  ...{ word: String(++words), pod: "orders-a", instance: "talker-0", id: String(id), redelivered: false },
  ...more,
});

function tallyOf(...entries: readonly LedgerEntry[]): SessionTally {
  const tally = new SessionTally();
  for (const one of entries) tally.heard(one);
  return tally;
}

describe("SessionTally", () => {
  it("finds nothing wrong where each message was heard once, by whichever application", () => {
    const tally = tallyOf(entry(1), entry(2, { pod: "orders-b" }), entry(1, { instance: "talker-1" }));
    tally.report(report("talker-0", 2));
    tally.report(report("talker-1", 1));
    expect(tally.counts()).toMatchObject({
      heard: 3,
      heardByPod: { "orders-a": 2, "orders-b": 1 },
      twice: [],
      lost: [],
    });
  });

  it("names a message that was heard twice, and by whom", () => {
    expect(tallyOf(entry(1), entry(1, { pod: "orders-b" })).counts().twice).toEqual(["talker-0 1: orders-a, orders-b"]);
  });

  it("takes one that is marked as heard before for no second one, whoever says it first", () => {
    const [first, again] = [entry(1), entry(1, { pod: "orders-b", redelivered: true })];
    for (const entries of [
      [first, again],
      [again, first],
    ]) {
      const { twice, redelivered, heard } = tallyOf(...entries).counts();
      expect({ twice, redelivered, heard }).toEqual({ twice: [], redelivered: 1, heard: 1 });
    }
  });

  it("takes the same word for no second message", () => {
    const word = entry(1);
    expect(tallyOf(word, word).counts()).toMatchObject({ heard: 1, heardByPod: { "orders-a": 1 }, twice: [] });
  });

  it("takes one that its sender was told is in doubt for no second one: it was sent again", () => {
    const tally = tallyOf(entry(1), entry(1, { pod: "orders-b" }), entry(2), entry(2));
    tally.report({ ...report("talker-0", 2), inDoubt: ["1"] });
    expect(tally.counts().twice).toEqual(["talker-0 2: orders-a, orders-a"]);
  });

  it("names a message that was confirmed, and that nobody has heard", () => {
    const tally = tallyOf(entry(1), entry(3));
    tally.report(report("talker-0", 3));
    expect(tally.counts().lost).toEqual(["talker-0 2"]);
    tally.report(report("talker-0", 4));
    expect(tally.counts().lost).toEqual(["talker-0 2", "talker-0 4"]);
  });
});
