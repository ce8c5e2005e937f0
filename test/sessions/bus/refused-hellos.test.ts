import { expect, test } from "vitest";
import { acceptedOf, at, calm, message, alice, opened, outcomeOf, sizeOf, two } from "./support/two-replicas.ts";

test("a replica that has no room for a peer does not take it from the one that has it", async () => {
  const { net, a, b } = two([{}, { rules: { peers: 1 } }]);
  const old = await opened(a, net);
  const bob = at(b, b.replica.token({ sub: "bob" })).hello();
  await calm(net);
  expect(acceptedOf(bob)).toBeDefined();
  const sent = outcomeOf(a.replica.service.send(alice, message("d1")));
  const refused = at(b).hello({ sessionId: acceptedOf(old)?.sessionId ?? "", received: 0 });
  await calm(net);
  expect([refused.end?.code, old.end, sizeOf(a).open]).toEqual(["TooMany", undefined, 1]);
  old.say({ kind: "received", seq: 1 });
  await calm(net);
  expect(sent.value).toBe("delivered");
});
