import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import type { IdentitySpec, TokenEndpoint } from "../../../../src/agent/agent-spec.ts";
import type { ApiParts } from "../../../../src/agent/api/endpoints.ts";
import { parseRegistered } from "../../../../src/agent/config/read-identity.ts";
import { openAgentApi } from "../../../../src/agent/api/open-agent-api.ts";
import type { Registration } from "../../../../src/agent/api/registration.ts";
import type { Address } from "../../../../src/http/address.ts";
import type { Limits } from "../../../../src/http/listener.ts";
import { jsonIn } from "../../../../src/parse/json.ts";
import { membersOf } from "../../../../src/parse/object.ts";
import type { Log } from "../../../../src/telemetry/log.ts";
import { startMs } from "../../../identity/support/pairs.ts";
import { identitySpec, MemoryIdentities } from "../../support/memory-identities.ts";

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Asking {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly socketPath?: string;
}

interface WorldOptions extends Partial<Pick<ApiParts, "only">> {
  readonly over?: Address["kind"];
  readonly registers?: boolean;
  readonly inFile?: readonly IdentitySpec[];
  readonly limits?: Limits;
}

const fileIssuer: TokenEndpoint = { url: new URL("https://issuer.example") };

/** An agent's loopback API, really listening, over identities in memory: `a` and `b` stand in the file. */
export class ApiWorld {
  readonly identities: MemoryIdentities;
  readonly directory: string;
  readonly address: Address;
  /** Every line of the log, with its fields. */
  readonly logged: readonly string[];
  nowMs = startMs;

  private constructor(parts: Pick<ApiWorld, "identities" | "directory" | "address" | "logged">) {
    this.identities = parts.identities;
    this.directory = parts.directory;
    this.address = parts.address;
    this.logged = parts.logged;
  }

  static async open(options: WorldOptions = {}): Promise<ApiWorld> {
    const { over = "unix", only, registers = false, limits } = options;
    const directory = await temporaryDir();
    const identities = new MemoryIdentities(options.inFile ?? [identitySpec("a"), identitySpec("b")]);
    const logged: string[] = [];
    const address: Address =
      over === "unix"
        ? { kind: "unix", path: join(directory, "agent.sock") }
        : { kind: "tcp", host: "127.0.0.1", port: 0 };
    const listener = await openAgentApi({
      ...{ address, identities, log: logInto(logged), nowMs: () => world.nowMs },
      ...(only !== undefined && { only }),
      ...(registers && { registration: registrationBelow(directory) }),
      limits: { checkMs: 10, ...limits },
    });
    onTestFinished(() => listener.drain(0));
    const bound: Address = over === "unix" ? address : { kind: "tcp", host: "127.0.0.1", port: listener.port };
    const world = new ApiWorld({ identities, directory, logged, address: bound });
    return world;
  }

  ask(line: string, asking: Asking = {}): Promise<Answered> {
    return askAt(this.target, line, asking);
  }

  /** Everything that comes, until the connection ends, for what is written as it stands, a byte for each character. */
  raw(...parts: readonly string[]): Promise<string> {
    const socket = connect(this.target.socketPath === undefined ? this.target : { path: this.target.socketPath });
    onTestFinished(() => void socket.destroy());
    let said = "";
    socket.setEncoding("latin1").on("error", () => undefined);
    socket.on("data", (part: string) => (said += part));
    for (const part of parts) socket.write(part, "latin1");
    return new Promise((resolve) => {
      socket.on("close", () => resolve(said));
    });
  }

  get target(): Target {
    return this.address.kind === "unix"
      ? { host: "localhost", port: 80, socketPath: this.address.path }
      : { host: "127.0.0.1", port: this.address.port };
  }

  /** What tokens may look like: none of it may come into a log. */
  async secrets(): Promise<readonly string[]> {
    const tokens = await Promise.all(this.identities.all().map((one) => one.token()));
    return tokens.map(({ accessToken }) => accessToken);
  }
}

/** As a well-behaved client asks. A header that is empty is left out. */
export async function askAt(target: Target, line: string, { headers, body }: Asking = {}): Promise<Answered> {
  const [method = "GET", path = "/"] = line.split(" ");
  const all = { "keyturn-agent": "1", ...(body !== undefined && { "content-type": "application/json" }), ...headers };
  const request = httpRequest({
    ...target,
    ...{ method, path, agent: false },
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== "")),
  });
  const answered = new Promise<Answered>((resolve, reject) => {
    request.on("error", reject).on("response", (response) => {
      text(response).then((said) => {
        const { statusCode: status = 0, headers: told } = response;
        resolve({ status, headers: told, body: said, json: membersOf(jsonIn(said)) });
      }, reject);
    });
  });
  request.end(body);
  return answered;
}

const registrationBelow = (directory: string): Registration => ({
  directory,
  read: (name, value) => parseRegistered(value, { name, dir: directory, issuer: fileIssuer }),
});

export function logInto(lines: string[]): Log {
  const line =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

/** It is gone with the test. */
export async function temporaryDir(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "keyturn-api-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}
