import { expect, it } from "vitest";
import { textOf } from "./report.ts";
import { soak } from "./soak.ts";
import { writeReport } from "./write.ts";

const minutes = 3;
/** The same troubles each time; `npm run soak` draws others. */
const seed = 11;

it("no valid token is refused and no revoked one accepted, whatever goes wrong", async () => {
  const report = await soak(
    { minutes, seed, troubles: undefined, keepGoing: false, sides: ["cluster", "standalone"] },
    (line) => console.log(line),
  );
  await writeReport(report);
  const text = textOf(report);
  if (process.env["KEYTURN_REQUIRE"] === "all") expect(report.missing).toBeUndefined();
  for (const { side, ledger, diary } of report.sides) {
    expect([...ledger.wrongs], `${side}\n${text}`).toEqual([]);
    expect(ledger.numbers.mostSigners, side).toBe(1);
    // Nothing can be refused where nothing is asked
    expect(ledger.numbers.verifications, side).toBeGreaterThan(1000);
    expect(ledger.numbers.rightlyRefused, side).toBeGreaterThan(10);
    expect(diary.counts.size, side).toBeGreaterThan(3);
  }
});
