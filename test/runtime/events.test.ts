import { expect, test } from "vitest";
import type { KubeObject } from "../../src/kube/object.ts";
import { EventRecorder, events, type EventFacts } from "../../src/runtime/events.ts";
import { clientTo } from "../kube/support/clients.ts";
import { fakeApi } from "../kube/support/fake-api.ts";
import { FakeClock } from "../support/fake-clock.ts";

const regarding: KubeObject = {
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { namespace: "team", name: "gateway", uid: "u1", resourceVersion: "7" },
  spec: { secret: "never" },
};
const happening: EventFacts = { regarding, type: "Normal", reason: "Activated", action: "Rotate", note: "it signs" };
const minute = 60_000;

async function recording() {
  const { api, script } = await fakeApi();
  const clock = new FakeClock();
  const client = clientTo(script.server);
  let names = 0;
  const problems: unknown[] = [];
  const recorder = new EventRecorder({
    client,
    clock,
    reportingController: "keyturn.dev/controller",
    reportingInstance: "pod-0",
    unique: () => String((names += 1)),
    onProblem: (problem) => problems.push(problem),
  });
  return {
    api,
    script,
    clock,
    recorder,
    problems,
    listed: async () => {
      await recorder.flush();
      return (await client.list(events, { namespace: "team" })).items;
    },
  };
}

test("EventRecorder writes an event in events.k8s.io/v1, with nothing of the object but its reference", async () => {
  const { recorder, listed } = await recording();
  recorder.record(happening);
  const [event] = await listed();
  expect(event).toMatchObject({
    apiVersion: "events.k8s.io/v1",
    metadata: { name: "gateway.1", namespace: "team" },
    eventTime: "2026-11-21T10:00:00.000000Z",
    reportingController: "keyturn.dev/controller",
    reportingInstance: "pod-0",
    type: "Normal",
    reason: "Activated",
    action: "Rotate",
    note: "it signs",
  });
  expect(event?.["regarding"]).toEqual({
    apiVersion: "keyturn.dev/v1alpha1",
    kind: "JwtKeyRotation",
    namespace: "team",
    name: "gateway",
    uid: "u1",
    resourceVersion: "7",
  });
  expect(event).not.toHaveProperty("series");
});

test("EventRecorder begins anew once a series has ended, also where the ended ones were looked for a moment before", async () => {
  const { clock, recorder, listed } = await recording();
  recorder.record(happening);
  await clock.advance(5.5 * minute);
  recorder.record({ ...happening, note: "another" });
  await clock.advance(0.5 * minute);
  recorder.record(happening);
  expect((await listed()).map(({ note, series }) => [note, series])).toEqual([
    ["it signs", undefined],
    ["another", undefined],
    ["it signs", undefined],
  ]);
});

test("EventRecorder makes a series of what repeats, written the second time and then every five minutes", async () => {
  const { clock, recorder, listed, script } = await recording();
  for (let n = 0; n < 10; n++) recorder.record(happening);
  expect((await listed())[0]?.["series"]).toMatchObject({ count: 2 });
  await clock.advance(5 * minute - 1);
  recorder.record(happening);
  expect((await listed())[0]?.["series"]).toMatchObject({ count: 2 });
  await clock.advance(1);
  recorder.record(happening);
  const all = await listed();
  expect(all).toHaveLength(1);
  expect(all[0]?.["series"]).toEqual({ count: 12, lastObservedTime: "2026-11-21T10:05:00.000000Z" });
  expect(script.calls.filter(({ method }) => method !== "GET")).toHaveLength(3);
});

test.each([
  [6 * minute - 1, 1],
  [6 * minute, 2],
])("EventRecorder begins a new series when it was quiet: after %i ms there are %i", async (ms, count) => {
  const { clock, recorder, listed } = await recording();
  recorder.record(happening);
  await clock.advance(ms);
  recorder.record(happening);
  expect(await listed()).toHaveLength(count);
});

test("EventRecorder writes two events for two notes", async () => {
  const { recorder, listed } = await recording();
  recorder.record(happening);
  recorder.record({ ...happening, note: "another" });
  expect(await listed()).toHaveLength(2);
});

test("EventRecorder lets through 25 for an object, then one each five minutes; others are not held", async () => {
  const { clock, recorder, listed } = await recording();
  const tell = (note: string): void => recorder.record({ ...happening, note });
  for (let n = 0; n < 40; n++) tell(`note ${n}`);
  expect([(await listed()).length, recorder.dropped.object]).toEqual([25, 15]);
  const other = { ...regarding, metadata: { ...regarding.metadata, name: "other", uid: "u2" } };
  recorder.record({ ...happening, regarding: other });
  expect(await listed()).toHaveLength(26);
  await clock.advance(5 * minute - 1);
  tell("too early");
  await clock.advance(1);
  tell("in time");
  tell("too many");
  expect((await listed()).map(({ note }) => note).slice(26)).toEqual(["in time"]);
});

test("EventRecorder writes what is urgent although much was told before, and counts it for nobody", async () => {
  const { recorder, listed } = await recording();
  const tell = (note: string, isUrgent = false): void => recorder.record({ ...happening, note, isUrgent });
  for (let n = 0; n < 24; n++) tell(`note ${n}`);
  for (let n = 0; n < 40; n++) tell(`urgent ${n}`, true);
  tell("the last that has room");
  tell("too many");
  tell("urgent to the end", true);
  const notes = (await listed()).map(({ note }) => String(note));
  expect(notes.filter((note) => note.startsWith("urgent"))).toHaveLength(41);
  expect([notes.includes("the last that has room"), notes.includes("too many")]).toEqual([true, false]);
  expect(recorder.dropped).toEqual({ object: 1, waiting: 0, refused: 0 });
});

test.each([
  [false, 400],
  [true, 500],
])("EventRecorder keeps places for what is urgent (%s): %i wait for a server that is away", async (isUrgent, most) => {
  const { api, recorder } = await recording();
  api.fault = () => true;
  for (let n = 0; n <= most; n++) {
    const object = { ...regarding, metadata: { ...regarding.metadata, name: `n${n}`, uid: `u${n}` } };
    recorder.record({ ...happening, regarding: object, isUrgent });
  }
  expect(recorder.dropped).toEqual({ object: 0, waiting: 1, refused: 0 });
});

test("EventRecorder goes on after an event that was refused", async () => {
  const { api, recorder, listed, problems } = await recording();
  api.fault = (call, response) => {
    if (call.method === "POST") response.writeHead(403).end();
    return call.method === "POST";
  };
  recorder.record(happening);
  recorder.record({ ...happening, note: "next" });
  await recorder.flush();
  expect([problems.length, recorder.dropped]).toEqual([2, { object: 0, waiting: 0, refused: 2 }]);
  api.fault = () => false;
  recorder.record(happening);
  expect(await listed()).toHaveLength(1);
});

test("EventRecorder tells anew what was removed by somebody", async () => {
  const { api, recorder, listed, problems } = await recording();
  recorder.record(happening);
  await recorder.flush();
  api.fault = (call, response) => {
    if (call.method === "PATCH") response.writeHead(404).end("{}");
    return call.method === "PATCH";
  };
  recorder.record(happening);
  await recorder.flush();
  recorder.record(happening);
  expect(await listed()).toHaveLength(2);
  expect(problems).toEqual([]);
});

test.each([
  ["a".repeat(1024), 1024],
  ["a".repeat(1025), 1024],
  ["🔑".repeat(300), 1023],
])("EventRecorder cuts a note at 1024 bytes, between characters", async (note, bytes) => {
  const { recorder, listed } = await recording();
  recorder.record({ ...happening, note });
  const [event] = await listed();
  expect(Buffer.byteLength(String(event?.["note"]))).toBe(bytes);
  expect(String(event?.["note"])).not.toContain("\uFFFD");
});
