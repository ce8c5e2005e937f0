import { expect, test, vi } from "vitest";
import { aborted } from "../../src/time/signal.ts";
import { turn } from "../support/fake-clock.ts";

test("aborted resolves when the signal is aborted, and not before", async () => {
  const stop = new AbortController();
  const ended = vi.fn();
  void aborted(stop.signal).then(ended);
  await turn();
  expect(ended).not.toHaveBeenCalled();
  stop.abort();
  await turn();
  expect(ended).toHaveBeenCalledOnce();
});

test("aborted resolves for a signal that was aborted before", async () => {
  await expect(aborted(AbortSignal.abort())).resolves.toBeUndefined();
});
