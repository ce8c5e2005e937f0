import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { overGrpc, overWebSocket, type SessionClient } from "../../sessions/faces/support/clients.ts";
import { LineProcess } from "../support/line-process.ts";
import { pythonWith } from "../support/python.ts";
import { SessionWorld } from "./session-world.ts";

const examples = join(import.meta.dirname, "../../../examples/sessions");
const grpcio = {
  name: "grpcio-1.85",
  requirements: ["grpcio==1.85.3", "grpcio-tools==1.85.1"],
  modules: ["grpc", "grpc_tools"],
};

/** An example that runs, and may be killed and started again. */
class Example {
  readonly lines: string[] = [];
  readonly #command: readonly string[];
  #process!: LineProcess;
  #waiting: (() => void)[] = [];

  constructor(program: readonly string[], hubPath: string) {
    // As `keyturn inject --sessions` has it
    this.#command = ["env", `KEYTURN_HUB=unix:${hubPath}`, ...program];
    onTestFinished(() => void this.kill());
  }

  /** Resolves when it has said that it is attached. */
  async start(): Promise<void> {
    const from = this.lines.length;
    const [program = "", ...args] = this.#command;
    this.#process = new LineProcess(program, args, (line) => {
      this.lines.push(line);
      for (const look of this.#waiting.splice(0)) look();
    });
    const ended = this.#process.ended.then(({ stderr }) => {
      throw new Error(`the example has ended: ${stderr}`);
    });
    ended.catch(() => undefined);
    await Promise.race([this.said("attached", from), ended]);
  }

  async said(text: string, from = 0): Promise<void> {
    while (!this.lines.slice(from).some((line) => line.includes(text))) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  get ended(): LineProcess["ended"] {
    return this.#process.ended;
  }

  async kill(): Promise<void> {
    await this.#process.end("SIGKILL");
  }
}

/** What has come back; of what was waited for, the last one is confirmed when the next are waited for. */
function echoes(client: SessionClient): { readonly texts: string[]; until: (count: number) => Promise<void> } {
  const texts: string[] = [];
  let seq: unknown;
  return {
    texts,
    until: async (count) => {
      while (texts.length < count) {
        if (seq !== undefined) client.say({ received: { seq } });
        const { message } = await client.next("message");
        const payload = message?.["payload"];
        texts.push(Buffer.from(payload as string, typeof payload === "string" ? "base64" : undefined).toString());
        seq = message?.["seq"];
      }
    },
  };
}

let world: SessionWorld;
beforeAll(async () => {
  world = await SessionWorld.begin();
}, 180_000);
afterAll(() => world.end());

/** The program and its arguments; or why it can't run here. */
const languages: readonly [string, () => Promise<readonly string[] | { readonly missing: string }>][] = [
  ["Node.js", () => Promise.resolve([process.execPath, join(examples, "echo.mjs")])],
  [
    "Python",
    async () => {
      const found = await pythonWith(grpcio);
      return "missing" in found ? found : [found.python, join(examples, "echo.py")];
    },
  ],
];

describe.each(languages)("the echo application in %s", (language, command) => {
  test("answers every message once, also when it is killed in between", async ({ skip }) => {
    const program = await command();
    if ("missing" in program) return skip(program.missing);
    const example = new Example(program, world.hubPath);
    await example.start();
    const client = world.connect(overWebSocket, (await world.mint("alice")).token);
    client.say({ hello: { instanceId: language } });
    await client.next("accepted");
    await example.said(`${language} is there`);
    const back = echoes(client);
    const texts = Array.from({ length: 30 }, (_, n) => `text ${n}`);
    const say = (n: number): void =>
      client.say({ message: { seq: n + 1, id: `u${n}`, payload: Buffer.from(texts[n] ?? "") } });
    for (let n = 0; n < 10; n++) say(n);
    await back.until(5);
    // It waits for the word of the fifth
    await example.kill();
    for (let n = 10; n < 20; n++) say(n);
    await example.start();
    for (let n = 20; n < 30; n++) say(n);
    await back.until(30);
    expect(back.texts).toEqual(texts);
    await example.said(`alice ${language} says text 29`);
    client.leave();
    await example.said(`${language} is gone`);
    await example.kill();
  });

  test("ends when another one takes over", async ({ skip }) => {
    const program = await command();
    if ("missing" in program) return skip(program.missing);
    const [first, second] = [new Example(program, world.hubPath), new Example(program, world.hubPath)];
    await first.start();
    await second.start();
    expect(await first.ended).toMatchObject({ code: 1 });
    expect(first.lines.at(-1)).toBe("not attached: Another application has attached");
    const client = world.connect(overGrpc, (await world.mint("bob")).token);
    client.say({ hello: { instanceId: "one" } });
    client.say({ message: { seq: 1, id: "u1", payload: Buffer.from("hello") } });
    const back = echoes(client);
    await back.until(1);
    expect(back.texts).toEqual(["hello"]);
    await second.kill();
  });
});
