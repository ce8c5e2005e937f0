import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { Answering } from "../../src/http/answering.ts";

const newResponse = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

test("all has those that were added and have not ended, however many came and went", () => {
  const answering = new Answering();
  const [first, second, third, fourth] = [newResponse(), newResponse(), newResponse(), newResponse()];
  for (const response of [first, second, third]) answering.add(response);
  expect(new Set(answering.all())).toEqual(new Set([first, second, third]));
  second.emit("close");
  expect(new Set(answering.all())).toEqual(new Set([first, third]));
  answering.add(fourth);
  expect(new Set(answering.all())).toEqual(new Set([first, third, fourth]));
});

test("all has one that took the place of an ended one, when that one says its end twice", () => {
  const answering = new Answering();
  const [ended, next] = [newResponse(), newResponse()];
  answering.add(ended);
  ended.emit("close");
  answering.add(next);
  ended.emit("close");
  expect(answering.all()).toEqual([next]);
  next.emit("close");
  expect(answering.all()).toEqual([]);
});
