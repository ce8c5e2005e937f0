import { expect } from "vitest";
import type { ResumePoint } from "../../../../src/sessions/core/peer-state.ts";
import type { ServerFrame } from "../../../../src/sessions/protocol/session-frames.ts";
import { FakeClock, turn } from "../../../support/fake-clock.ts";
import { epoch } from "../../../support/story.ts";
import { PipedClient } from "../../support/pipe.ts";
import { type FakeBus, FakeNet } from "./fake-bus.ts";
import { type ReplicaPlan, TestReplica } from "./replica.ts";

export const alice = { subject: "alice", instanceId: "one" };
export const message = (id: string) => ({ id, payload: Buffer.from(`text of ${id}`) });
export const upward = (seq: number) => ({
  kind: "message" as const,
  message: { seq, id: `u${seq}`, payload: Buffer.from(`u${seq}`) },
});

interface Side {
  readonly replica: TestReplica;
  readonly bus: FakeBus;
}

/** Two replicas and what lies between them. */
export function two(plans: readonly Partial<ReplicaPlan>[] = []) {
  const clock = new FakeClock(epoch);
  const net = new FakeNet();
  const side = (id: string, plan: Partial<ReplicaPlan> = {}): Side => {
    const bus = net.join();
    return { bus, replica: new TestReplica({ id, bus, clock, ...plan }) };
  };
  const [a, b] = [side("a", plans[0]), side("b", plans[1])];
  return { clock, net, a, b, third: () => side("c") };
}

export const at = ({ replica }: Side, token = replica.token()): PipedClient => new PipedClient(replica.service, token);

/** Everything that was said has arrived. */
export async function calm(net: FakeNet): Promise<void> {
  for (let turns = 0; turns < 4 || net.words.length > 0; turns++) await turn();
}

export const acceptedOf = ({ heard }: PipedClient) =>
  heard.flatMap((frame) => ("accepted" in frame ? [frame.accepted] : []))[0];
export const idsOf = ({ heard }: PipedClient): readonly string[] =>
  heard.flatMap((frame: ServerFrame) => ("message" in frame ? [frame.message.id] : []));

export async function opened(side: Side, net: FakeNet, resume?: ResumePoint): Promise<PipedClient> {
  const client = at(side).hello(resume);
  await calm(net);
  expect(acceptedOf(client)).toBeDefined();
  return client;
}

export const sizeOf = ({ replica }: Side) => replica.service.size;

/** What became of a promise, once it is known. */
export function outcomeOf<Value>(promise: Promise<Value>): { value: Value | undefined } {
  const seen: { value: Value | undefined } = { value: undefined };
  void promise.then((value) => (seen.value = value));
  return seen;
}
