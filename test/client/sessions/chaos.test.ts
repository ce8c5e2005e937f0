import { describe, expect, test } from "vitest";
import { Gateway } from "../../sessions/faces/support/gateway.ts";
import { Chance } from "../../soak/chance.ts";
import { turn } from "../../support/fake-clock.ts";
import { transports } from "./support/kept.ts";
import { Storm } from "./support/storm.ts";

/** Another number each time finds more: `KEYTURN_SEED=7 npx vitest …`. */
const seeds = process.env["KEYTURN_SEED"] === undefined ? [1, 2, 3] : [Number(process.env["KEYTURN_SEED"])];

/** What happens, and how likely each is. */
const happenings: readonly (readonly [weight: number, (storm: Storm, chance: () => number) => unknown])[] = [
  [30, (storm) => storm.up()],
  [30, (storm) => storm.down()],
  [10, (storm) => storm.proxy.cut()],
  [10, (storm, chance) => (storm.proxy.breaks = (length) => length > 20 && chance() < 0.2)],
  [10, (storm) => (storm.proxy.breaks = () => false)],
  [25, (storm, chance) => storm.pass(chance() * 5000)],
  [3, (storm, chance) => storm.pass(chance() * 90_000)],
  [2, (storm) => storm.restart()],
];
const total = happenings.reduce((sum, [weight]) => sum + weight, 0);

function drawn(chance: () => number) {
  let left = chance() * total;
  return happenings.find(([weight]) => (left -= weight) < 0)?.[1];
}

describe.each(transports)("over $name, whatever happens", (transport) => {
  test.each(seeds)("each message arrives once, or its sender is told (seed %d)", async (seed) => {
    const numbers = new Chance(seed);
    const chance = (): number => numbers.next();
    const begin = () => Gateway.serving(transport, { queueMessages: 8, queueBytes: 4096 });
    const storm = await Storm.over(transport, begin, chance);
    for (let step = 0; step < 400; step++) {
      await drawn(chance)?.(storm, chance);
      await turn();
    }
    await storm.calm();
    const { doubts, confirmed, delivered } = storm.fates;
    expect(storm.flaws).toEqual([]);
    // To the client: all, and each once
    expect(storm.kept.got).toHaveLength(delivered.size);
    expect(new Set(storm.kept.got)).toEqual(delivered);
    // To the application: all, and each once, unless it was in doubt
    const texts = storm.gateways.flatMap(({ deliveries }) =>
      deliveries.map(({ text }) => text.replace("text of ", "")),
    );
    expect(new Set(texts)).toEqual(confirmed);
    for (const id of confirmed) {
      const times = texts.filter((text) => text === id).length;
      expect(times).toBeLessThanOrEqual(1 + (doubts.get(id) ?? 0));
    }
    // In order, within each lineage
    for (const { deliveries } of storm.gateways) {
      for (const lineage of new Set(deliveries.map((one) => one.lineage))) {
        const seqs = deliveries.filter((one) => one.lineage === lineage).map(({ seq }) => seq);
        expect(seqs).toEqual(seqs.map((_, index) => index + 1));
      }
    }
    // Nothing is remembered of what has passed
    expect(storm.gateways.at(-1)?.service.size).toMatchObject({ open: 1, bytes: 0 });
  });
});
