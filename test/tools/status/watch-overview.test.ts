import { describe, expect, test } from "vitest";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import type { RotationSummary } from "../../../src/keeper/home.ts";
import type { ManyRotations } from "../../../src/tools/status/overview.ts";
import { watchOverview } from "../../../src/tools/status/watch-overview.ts";
import { day, epoch } from "../../support/story.ts";
import { FakeIo, terminal } from "../support/fake-io.ts";

const summary = (name: string, waitingFor = "a gateway"): RotationSummary => ({
  ...{ namespace: "shop", name, createdAtMs: epoch - 3 * day, waitingFor },
  conditions: [{ type: "Ready", status: "True", reason: "SignerPublished" }],
  document: { kind: "JwtKeyRotation", metadata: { name }, status: { waitingFor } },
});

type Look = readonly RotationSummary[] | Error;

/** Namespace, name, and what it waits for. */
function cellsOf(row: string): readonly (string | undefined)[] {
  const cells = row.split(/ {2,}/);
  return [cells[0], cells[1], cells.at(-1)];
}

/** One look after the other, each after a change; interrupted when all were seen. */
function story(io: FakeIo, looks: readonly Look[]): ManyRotations {
  let count = 0;
  return {
    look: async () => {
      const rotations = looks[Math.min(count++, looks.length - 1)] ?? [];
      if (count > looks.length) io.interrupt();
      if (rotations instanceof Error) throw rotations;
      return { rotations, nowMs: epoch, acrossNamespaces: true, where: "in context dev" };
    },
    async *changes(signal) {
      while (!signal.aborted) {
        await io.pause(0, signal);
        yield;
      }
    },
  };
}

async function watched(
  looks: readonly Look[],
  output?: "json" | "yaml" | "name" | "wide",
  io = new FakeIo(),
): Promise<FakeIo> {
  expect(await watchOverview(story(io, looks), output, io)).toBe(0);
  return io;
}

describe("watchOverview in a pipe", () => {
  test("prints the table, then a row for each that changed, and says which is gone", async () => {
    const io = await watched([
      [summary("gateway"), summary("mobile")],
      [summary("gateway", "nobody"), summary("mobile")],
      new TryLaterError("Unreachable", "not now"),
      [summary("gateway", "nobody")],
    ]);
    expect(io.lines.map((text) => cellsOf(text))).toEqual([
      ["NAMESPACE", "NAME", "WAITING FOR"],
      ["shop", "gateway", "a gateway"],
      ["shop", "mobile", "a gateway"],
      ["shop", "gateway", "nobody"],
    ]);
    expect(io.progress).toEqual(["keyturn: note: shop/mobile is gone"]);
  });

  test("says that there is none, once, and shows one that comes", async () => {
    const io = await watched([[], [], [summary("gateway")]], "name");
    expect(io.lines).toEqual(["jwtkeyrotation.keyturn.dev/gateway"]);
    const told = await watched([[], [], []]);
    expect(told.progress).toEqual(["No JwtKeyRotation in context dev"]);
  });

  test.each([
    ["json", /^\{\n {2}"kind"[^]*\}\n\{\n {2}"kind"/],
    ["yaml", /^---\nkind: [^]*\n---\nkind: /],
  ] as const)("prints a document for each change as %s", async (format, text) => {
    const io = await watched([[summary("gateway")], [summary("gateway", "nobody")]], format);
    expect(io.out.text).toMatch(text);
  });
});

test("watchOverview on a terminal draws over itself, and leaves the last table behind", async () => {
  const io = new FakeIo({ look: terminal, live: true });
  await watched([[summary("gateway")], [summary("gateway", "nobody")]], undefined, io);
  const [, drawn = "", left = ""] = /\u001b\[\?1049h([^]*)\u001b\[\?1049l([^]*)/.exec(io.out.text) ?? [];
  expect(drawn.match(/NAMESPACE/g)?.length).toBeGreaterThan(1);
  expect(left).toContain("nobody");
  expect(left.match(/NAMESPACE/g)).toHaveLength(1);
});
