import { readdir } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { rssMiB } from "../../bench/sidecar/processes.ts";
import { doors } from "../../bench/sessions/doors.ts";
import { transports } from "../../sessions/faces/support/gateway.ts";
import { SessionWorld } from "./session-world.ts";
import { visit, ways } from "./visits.ts";

/** Of each transport, in each of seven rounds: 35,000 in all. */
const visitsOfRound = 2500;
const atOnce = 50;
const storm = 600;

describe("connects and disconnects by the thousand", () => {
  let world: SessionWorld;
  beforeAll(async () => {
    world = await SessionWorld.begin("--session-keep=1s", "--session-subject-limit=20000", "--log-level=warn");
  });
  afterAll(() => world.end());

  const files = async () => (await readdir(`/proc/${String(world.gateway.pid)}/fd`)).length;

  async function isEmpty(): Promise<boolean> {
    const text = await world.metrics();
    return ["open", "peers", "waiting_bytes"].every((name) => text.includes(`\nkeyturn_gateway_sessions_${name} 0\n`));
  }

  /** Resolves when nobody is left of it. */
  async function round(filesBefore: number): Promise<void> {
    for (const transport of transports) {
      const door = { port: world.portOf(transport), open: doors[transport.name] };
      for (let from = 0; from < visitsOfRound; from += atOnce) {
        const { token } = await world.mint(`many over ${transport.name}`);
        await Promise.all(
          Array.from({ length: atOnce }, (_, n) =>
            visit(door, token, { instanceId: `i${from + n}`, way: ways[n % ways.length] }),
          ),
        );
      }
    }
    await world.until(isEmpty);
    await world.until(async () => (await files()) <= filesBefore);
  }

  test("leave nothing: no peer, no open file, no memory", async () => {
    // With the connections of the test itself
    await world.application().next("ready");
    await world.mint("anybody");
    await world.until(isEmpty);
    const filesBefore = await files();
    // What the first take is for machinery that stays: less with each, and next to nothing from the sixth on
    for (let rounds = 0; rounds < 6; rounds++) await round(filesBefore);
    const before = await rssMiB(world.gateway);
    await round(filesBefore);
    const kibOfVisit = (1024 * ((await rssMiB(world.gateway)) - before)) / (2 * visitsOfRound);
    expect(kibOfVisit).toBeLessThan(2);
  });

  test.each(transports)("over $name may be at the same time after a restart: none is lost", async (transport) => {
    await world.gateway.end("SIGKILL");
    await world.startGateway();
    await world.application().next("ready");
    const { token } = await world.mint(`many over ${transport.name}`);
    const door = { port: world.portOf(transport), open: doors[transport.name] };
    await Promise.all(
      Array.from({ length: storm }, (_, n) => visit(door, token, { instanceId: `i${n}`, way: "leaves" })),
    );
    await world.until(isEmpty);
    expect(await world.metrics()).toMatch(
      new RegExp(`^keyturn_gateway_sessions_accepted_total.*"anew".* ${storm}$`, "m"),
    );
  });
});

const [limit, limitOfSubject] = [40, 10];

describe.each(transports)("the bounds of sessions over $name", (transport) => {
  let world: SessionWorld;
  beforeAll(async () => {
    world = await SessionWorld.begin(`--session-limit=${limit}`, `--session-subject-limit=${limitOfSubject}`);
  });
  afterAll(() => world.end());

  async function open(subject: string, instanceId: string) {
    const client = world.connect(transport, (await world.mint(subject)).token);
    client.say({ hello: { instanceId } });
    const code = await Promise.race([
      client.next("accepted").then(() => "accepted"),
      client.ended.then((end) => end.code),
    ]);
    return { client, code };
  }

  test("hold: clients of one subject, clients of all, and connections", async () => {
    const subjects = Array.from({ length: limit / limitOfSubject }, (_, n) => `subject ${n}`);
    for (const subject of subjects) {
      for (let n = 0; n < limitOfSubject; n++) expect((await open(subject, `i${n}`)).code).toBe("accepted");
      expect((await open(subject, "one more")).code).toBe("TooMany");
    }
    const another = await open("another", "one");
    expect(another.code).toBe("TooMany");
    expect(another.client.heard.find(({ closing }) => closing)?.["closing"]).toMatchObject({ retry: true });
    expect(await world.metrics()).toMatch(new RegExp(`^keyturn_gateway_sessions_open ${limit}$`, "m"));
    // No more than twice as many connections, with a session or without one
    const sockets = await Promise.all(
      Array.from({ length: 2 * limit }, () => isHeard(world.portOf(transport), beginnings[transport.name])),
    );
    const heard = sockets.filter((one) => one).length;
    expect(heard).toBeLessThanOrEqual(limit);
    // A gRPC client whose session was refused keeps its connection
    expect(heard).toBeGreaterThanOrEqual(limit - subjects.length - 1);
  });
});

/** The first bytes of a client that then says nothing more. */
const beginnings = { WebSocket: "GET /sessions HTTP/1.1\r\n", gRPC: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" } as const;

/** Whether the connection is taken: it is answered, if only that it takes too long. */
function isHeard(port: number, beginning: string): Promise<boolean> {
  const socket: Socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined);
  socket.write(beginning);
  return new Promise((resolve) => {
    socket.on("data", () => resolve(true));
    socket.on("close", () => resolve(false));
  });
}
