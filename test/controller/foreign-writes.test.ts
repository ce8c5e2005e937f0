import { expect, it } from "vitest";
import { ForeignWrites } from "../../src/controller/foreign-writes.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { FakeClock } from "../support/fake-clock.ts";

const version = (resourceVersion: string): KubeObject => ({
  ...{ apiVersion: "v1", kind: "ConfigMap" },
  metadata: { name: "gateway-public", resourceVersion },
});

function setUp() {
  const clock = new FakeClock();
  const own = new Set<string>();
  const told: string[] = [];
  const foreign = new ForeignWrites({
    ...{ clock, waitMs: 200 },
    isOwn: (_, { metadata: { resourceVersion = "" } }) => own.has(resourceVersion),
    onForeign: (key) => told.push(key),
  });
  return { clock, own, told, foreign };
}

it("says nothing of the controller's own write, of which the watch may hear before its answer comes", async () => {
  const { clock, own, told, foreign } = setUp();
  foreign.hear("a", version("1"));
  await clock.advance(199);
  own.add("1");
  await clock.advance(1);
  expect(told).toEqual([]);
});

it("tells once of what others have written, also between two writes of its own", async () => {
  const { clock, own, told, foreign } = setUp();
  own.add("1").add("3");
  for (const each of ["1", "2", "3"]) foreign.hear("a", version(each));
  foreign.hear("b", version("3"));
  await clock.advance(200);
  expect(told).toEqual(["a"]);
});

it("tells at once of what is gone, which no write of its own brings about", () => {
  const { told, foreign } = setUp();
  foreign.hear("a", undefined);
  foreign.hear("a", undefined);
  expect(told).toEqual(["a", "a"]);
});
