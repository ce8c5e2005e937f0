import { expect, it } from "vitest";
import type { Plan, Policy } from "../../src/ring/plan.ts";
import { day, epoch, hour, Story } from "../support/story.ts";

const local = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Berlin", dateStyle: "short", timeStyle: "short" });

const unpinned = ({ pinnedKid: _pin, ...others }: Policy): Policy => others;

/** One row a write: local time, the signer after it, the verify-only keys, what happened. */
class Table {
  readonly rows: string[] = ["Berlin time       signer  verify-only  what happened"];
  readonly #story: Story;

  constructor(story: Story) {
    this.#story = story;
  }

  /** Like Story.run, with a row for each write. */
  run(forMs: number): void {
    const story = this.#story;
    const endMs = story.nowMs + forMs;
    for (;;) {
      const plan = this.#settle();
      if (plan.nextCheckAtMs > endMs) break;
      story.nowMs = Math.max(plan.nextCheckAtMs, story.nowMs + 1);
    }
    story.nowMs = endMs;
    this.#settle();
  }

  say(what: string): void {
    this.rows.push(`${local.format(this.#story.nowMs)}  -- ${what}`);
  }

  #settle(): Plan {
    const story = this.#story;
    for (;;) {
      const plan = story.pass();
      if (plan.steps.length === 0) return plan;
      story.project().acked(...story.gateways.map((g) => g.name));
      this.#add(plan);
    }
  }

  #add(plan: Plan): void {
    const { signer, retiring } = this.#story.ring;
    const old = retiring.map((k) => k.kid).join(" ");
    const told = plan.steps.flatMap((s) =>
      s.type === "activate" ? [`activate ${s.kid} (${s.why})`] : "kid" in s ? [`${s.type} ${s.kid}`] : [s.type],
    );
    this.rows.push(`${local.format(plan.nowMs)}  ${signer.kid.padEnd(6)}  ${old.padEnd(11)}  ${told.join(", ")}`);
  }
}

it("two years of a monthly schedule at 3:00 in Berlin, with summer time, downtime, a rollback and a revocation", () => {
  const story = new Story({
    schedule: { kind: "cron", expression: "0 3 1 * *", timeZone: "Europe/Berlin" },
    acknowledgements: "Required",
  });
  story.gateways = [{ name: "gw-1", ready: true }];
  const table = new Table(story);
  table.run(135 * day);
  table.say("the controller is down for 75 days");
  story.nowMs += 75 * day;
  table.run(60 * day);
  story.requests = ["spec:now"];
  table.run(hour);
  const back = story.ring.retiring[0]?.kid ?? "none";
  table.say(`rolled back to ${back}`);
  story.policy = { ...story.policy, pinnedKid: back };
  table.run(45 * day);
  table.say("unpinned");
  story.policy = unpinned(story.policy);
  table.run(100 * day);
  table.say(`signer ${story.ring.signer.kid} revoked`);
  story.policy = { ...story.policy, revokedKids: [{ kid: story.ring.signer.kid, reason: "laptop stolen" }] };
  table.run(epoch + 730 * day - story.nowMs);
  expect(table.rows.join("\n")).toMatchInlineSnapshot(`
    "Berlin time       signer  verify-only  what happened
    2026-11-21 01:00  k1                   begin, create
    2026-11-21 01:00  k1                   publish k1, publish k2
    2026-12-01 03:00  k2      k1           activate k2 (schedule), create
    2026-12-01 03:00  k2      k1           publish k3, quiesce k1
    2026-12-01 05:30  k2                   prune k1
    2027-01-01 03:00  k3      k2           activate k3 (schedule), create
    2027-01-01 03:00  k3      k2           publish k4, quiesce k2
    2027-01-01 05:30  k3                   prune k2
    2027-02-01 03:00  k4      k3           activate k4 (schedule), create
    2027-02-01 03:00  k4      k3           publish k5, quiesce k3
    2027-02-01 05:30  k4                   prune k3
    2027-03-01 03:00  k5      k4           activate k5 (schedule), create
    2027-03-01 03:00  k5      k4           publish k6, quiesce k4
    2027-03-01 05:30  k5                   prune k4
    2027-04-01 03:00  k6      k5           activate k6 (schedule), create
    2027-04-01 03:00  k6      k5           publish k7, quiesce k5
    2027-04-01 05:30  k6                   prune k5
    2027-04-05 02:00  -- the controller is down for 75 days
    2027-06-19 02:00  k7      k6           activate k7 (schedule), create
    2027-06-19 02:00  k7      k6           publish k8, quiesce k6
    2027-06-19 04:30  k7                   prune k6
    2027-07-01 03:00  k8      k7           activate k8 (schedule), create
    2027-07-01 03:00  k8      k7           publish k9, quiesce k7
    2027-07-01 05:30  k8                   prune k7
    2027-08-01 03:00  k9      k8           activate k9 (schedule), create
    2027-08-01 03:00  k9      k8           publish k10, quiesce k8
    2027-08-01 05:30  k9                   prune k8
    2027-08-18 02:00  k10     k9           activate k10 (request), create
    2027-08-18 02:00  k10     k9           publish k11, quiesce k9
    2027-08-18 03:00  -- rolled back to k9
    2027-08-18 03:00  k9      k10          activate k9 (pin)
    2027-08-18 03:00  k9      k10          quiesce k10
    2027-08-18 05:30  k9                   prune k10
    2027-10-02 03:00  -- unpinned
    2027-10-02 03:00  k11     k9           activate k11 (schedule), create
    2027-10-02 03:00  k11     k9           publish k12, quiesce k9
    2027-10-02 05:30  k11                  prune k9
    2027-11-01 03:00  k12     k11          activate k12 (schedule), create
    2027-11-01 03:00  k12     k11          publish k13, quiesce k11
    2027-11-01 05:30  k12                  prune k11
    2027-12-01 03:00  k13     k12          activate k13 (schedule), create
    2027-12-01 03:00  k13     k12          publish k14, quiesce k12
    2027-12-01 05:30  k13                  prune k12
    2028-01-01 03:00  k14     k13          activate k14 (schedule), create
    2028-01-01 03:00  k14     k13          publish k15, quiesce k13
    2028-01-01 05:30  k14                  prune k13
    2028-01-10 02:00  -- signer k14 revoked
    2028-01-10 02:00  k15                  activate k15 (signerRevoked), revoke k14, create
    2028-01-10 02:00  k15                  publish k16
    2028-02-01 03:00  k16     k15          activate k16 (schedule), create
    2028-02-01 03:00  k16     k15          publish k17, quiesce k15
    2028-02-01 05:30  k16                  prune k15
    2028-03-01 03:00  k17     k16          activate k17 (schedule), create
    2028-03-01 03:00  k17     k16          publish k18, quiesce k16
    2028-03-01 05:30  k17                  prune k16
    2028-04-01 03:00  k18     k17          activate k18 (schedule), create
    2028-04-01 03:00  k18     k17          publish k19, quiesce k17
    2028-04-01 05:30  k18                  prune k17
    2028-05-01 03:00  k19     k18          activate k19 (schedule), create
    2028-05-01 03:00  k19     k18          publish k20, quiesce k18
    2028-05-01 05:30  k19                  prune k18
    2028-06-01 03:00  k20     k19          activate k20 (schedule), create
    2028-06-01 03:00  k20     k19          publish k21, quiesce k19
    2028-06-01 05:30  k20                  prune k19
    2028-07-01 03:00  k21     k20          activate k21 (schedule), create
    2028-07-01 03:00  k21     k20          publish k22, quiesce k20
    2028-07-01 05:30  k21                  prune k20
    2028-08-01 03:00  k22     k21          activate k22 (schedule), create
    2028-08-01 03:00  k22     k21          publish k23, quiesce k21
    2028-08-01 05:30  k22                  prune k21
    2028-09-01 03:00  k23     k22          activate k23 (schedule), create
    2028-09-01 03:00  k23     k22          publish k24, quiesce k22
    2028-09-01 05:30  k23                  prune k22
    2028-10-01 03:00  k24     k23          activate k24 (schedule), create
    2028-10-01 03:00  k24     k23          publish k25, quiesce k23
    2028-10-01 05:30  k24                  prune k23
    2028-11-01 03:00  k25     k24          activate k25 (schedule), create
    2028-11-01 03:00  k25     k24          publish k26, quiesce k24
    2028-11-01 05:30  k25                  prune k24"
  `);
});
