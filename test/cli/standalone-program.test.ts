import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const exec = promisify(execFile);
const isRoot = process.geteuid?.() === 0;
const [keeper, reader, stranger, signers] = [64_701, 64_702, 64_703, 64_710];

const quick = ["--issuer=https://issuer.example", "--audience=api", "--interval=1s", "--propagation-minimum=1s"];
const flags = [...quick, "--max-ttl=1s", "--clock-skew=0s", "--log-format=json"];

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly port?: number;
  readonly version?: string;
  readonly signer?: string;
}

/** A directory that other users get to. */
async function place(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-standalone-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await chmod(dir, 0o755);
  return dir;
}

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** What starts it. */
  readonly under?: readonly string[];
  readonly umask?: string;
}

/** `keyturn standalone`, ended after the test. */
class Running {
  readonly lines: Line[] = [];
  readonly #child;
  readonly #heard = new Set<() => void>();
  /** It has ended, and all that it wrote is read. */
  readonly #closed: Promise<unknown>;
  #isClosed = false;

  constructor(args: readonly string[], { env = {}, under = [], umask = "022" }: Surroundings = {}) {
    const own = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env };
    const command = [...under, process.execPath, main, "standalone", ...args];
    this.#child = spawn("/bin/sh", ["-c", `umask ${umask}; exec "$@"`, "sh", ...command], { env: own });
    this.#closed = once(this.#child, "close").then(() => {
      this.#isClosed = true;
      for (const tell of this.#heard) tell();
    });
    createInterface({ input: this.#child.stderr }).on("line", (line) => {
      this.lines.push(line.startsWith("{") ? (JSON.parse(line) as Line) : { level: "text", msg: line });
      for (const tell of this.#heard) tell();
    });
    this.#child.once("close", () => {
      for (const tell of this.#heard) tell();
    });
    onTestFinished(() => this.end().then(() => undefined));
  }

  /** The line that has this text, as soon as it comes. */
  async says(text: string | RegExp, from = 0): Promise<Line> {
    for (;;) {
      const line = this.lines
        .slice(from)
        .find(({ msg }) => (typeof text === "string" ? msg.includes(text) : text.test(msg)));
      if (line) return line;
      if (this.#isClosed) throw new Error(`ended without "${text}": ${JSON.stringify(this.lines)}`);
      await new Promise<void>((resolve) => {
        this.#heard.add(resolve);
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.ended();
  }

  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }
}

describe("keyturn standalone", () => {
  test("says at its start what it is, where, who signs and what comes next; and that nothing listens", async () => {
    const dir = join(await place(), "keys");
    const running = new Running(["--dir", dir, ...flags]);
    const { msg, version, signer } = await running.says("keeps the keys in");
    expect(await readFile(join(dir, "signer/kid"), "utf8")).toBe(signer);
    expect(msg).toMatch(
      new RegExp(
        `^keyturn ${version ?? "?"} keeps the keys in ${dir}: key ${signer?.slice(0, 8)}… \\(ES256\\) signs; next: `,
      ),
    );
    await running.says("nothing listens: --metrics-listen serves metrics and health, --gateway the JWKS");
    expect(await running.end()).toBe(0);
  });

  test("serves metrics and health where it is told to, and says where", async () => {
    const dir = join(await place(), "keys");
    const running = new Running(["--dir", dir, ...flags, "--metrics-listen=127.0.0.1:0"]);
    const { port } = await running.says("listens for probes and scrapes");
    const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
    await running.says("keeps the keys in");
    expect((await ask("/readyz")).status).toBe(200);
    expect((await ask("/healthz")).status).toBe(200);
    const metrics = await (await ask("/metrics")).text();
    expect(metrics).toMatch(/^keyturn_ready\{namespace="default",name="keyturn"\} 1$/m);
    expect(metrics).toMatch(/^process_resident_memory_bytes /m);
    expect(running.lines.filter(({ msg }) => msg.startsWith("nothing listens"))).toEqual([]);
    expect(await running.end()).toBe(0);
    await expect(ask("/livez")).rejects.toThrow("fetch failed");
  });

  test("says of a gateway in the same process where each of its listeners is", async () => {
    const dir = join(await place(), "keys");
    const listening = ["--gateway", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"];
    const running = new Running(["--dir", dir, ...flags, ...listening]);
    const answers = await Promise.all(
      (
        [
          ["listening", "/jwks"],
          ["listens for probes and scrapes", "/livez"],
        ] as const
      ).map(async ([text, path]) => {
        const { port } = await running.says(text);
        return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
      }),
    );
    expect(answers).toEqual([404, 200]);
    await running.says("keeps the keys in");
    expect(await running.end()).toBe(0);
    expect(running.lines.filter(({ msg }) => msg.startsWith("nothing listens"))).toEqual([]);
  });

  test("does not start with a group that there is not, and says where it looks", async () => {
    const dir = join(await place(), "keys");
    const running = new Running(["--dir", dir, ...flags, "--signer-group=no-such-group"]);
    expect(await running.ended()).toBe(1);
    const said = running.lines.map(({ msg }) => msg).join("\n");
    expect(said).toContain(
      'keyturn: error: Cannot use the group "no-such-group": must stand in "/etc/group"; of one from elsewhere give the number',
    );
  });
});

/** Whether another user may run what is here. */
const othersMayRun =
  isRoot &&
  (await exec("setpriv", [...as(stranger, []), process.execPath, main, "version"]).then(
    () => true,
    () => false,
  ));

/** For setpriv: a user with no more rights than his own. */
function as(user: number, groups: readonly number[]): readonly string[] {
  return [
    `--reuid=${user}`,
    `--regid=${user}`,
    ...(groups.length === 0 ? ["--clear-groups"] : [`--groups=${groups.join()}`]),
  ];
}

/** What another user reads, by a program of his; or why not. */
const readBy = (user: number, groups: readonly number[], path: string): Promise<string> =>
  exec("setpriv", [...as(user, groups), "/bin/cat", path]).then(
    ({ stdout }) => stdout,
    (error: unknown) => (/Permission denied/.test(String(error)) ? "denied" : String(error)),
  );

describe("users of one machine", () => {
  test("whoever is in the signer's group reads it through rotations, others the public object alone, at umask 077", async (context) => {
    if (!othersMayRun) context.skip("needs root, setpriv, and a repository that other users may read");
    const parent = await place();
    await exec("chown", [`${keeper}:${keeper}`, parent]);
    const dir = join(parent, "keys");
    const surroundings = { under: ["setpriv", ...as(keeper, [signers])], umask: "077" };
    const running = new Running(["--dir", dir, ...flags, `--signer-group=${signers}`], surroundings);
    await running.says("keeps the keys in");
    const kids = new Set<string>();
    for (let rotation = 0; rotation < 2; rotation++) {
      const from = running.lines.length;
      const kid = await readBy(reader, [signers], join(dir, "signer/kid"));
      kids.add(kid);
      expect(await readBy(reader, [signers], join(dir, "signer/signing.pem"))).toContain("BEGIN PRIVATE KEY");
      expect(await readBy(stranger, [], join(dir, "public/jwks.json"))).toContain(kid);
      for (const path of ["signer/signing.pem", "signer/kid"]) {
        expect(await readBy(stranger, [], join(dir, path)), path).toBe("denied");
      }
      expect(await readBy(reader, [signers], join(dir, "overrides.json"))).not.toContain("BEGIN");
      expect(await readBy(reader, [signers], join(dir, "ring"))).toBe("denied");
      await running.says("becomes the signer", from);
    }
    expect(kids.size).toBe(2);
    const asked = exec("setpriv", [...as(reader, [signers]), process.execPath, main, "status", "--dir", dir]);
    await expect(asked).rejects.toThrow(
      `Cannot open "${dir}/rotation.json": permission is denied; run this as the user who runs Keyturn there, or as root`,
    );
    expect(running.lines.filter(({ level }) => level === "warn")).toEqual([]);
  });

  test("a group of which the user is none is refused at the start, with what to do", async (context) => {
    if (!othersMayRun) context.skip("needs root, setpriv, and a repository that other users may read");
    const parent = await place();
    await exec("chown", [`${keeper}:${keeper}`, parent]);
    const dir = join(parent, "keys");
    const surroundings = { under: ["setpriv", ...as(keeper, [])] };
    const running = new Running(["--dir", dir, ...flags, `--signer-group=${signers}`], surroundings);
    expect(await running.ended()).toBe(1);
    expect(running.lines.map(({ msg }) => msg).join("\n")).toContain(
      `Cannot give "${dir}/signer" to the group ${signers}: must be one of the groups of the user who runs this, or root must run it`,
    );
  });
});

/** Hears as systemd does, on a datagram socket: a line for each message. */
const listener = `
import os, socket, sys
name = sys.argv[1]
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind("\\0" + name[1:] if name.startswith("@") else name)
print("listening", flush=True)
while True:
    text, _, _, _ = heard.recvmsg(4096)
    print(text.decode().replace("\\n", " "), flush=True)
`;

const hasNotify = await exec("systemd-notify", ["--version"])
  .then(
    () => exec("python3", ["--version"]).then(() => true),
    () => false,
  )
  .catch(() => false);

describe("systemd", () => {
  test.for(["a path", "an abstract name"])(
    "hears of the start, of each change, that it lives, and of the end: %s",
    async (kind, context) => {
      if (!hasNotify) context.skip("there is no systemd-notify here, or no python3");
      const parent = await place();
      const socket = kind === "a path" ? join(parent, "notify") : `@keyturn-test-${process.pid}`;
      const script = join(parent, "listen.py");
      await writeFile(script, listener);
      const python = spawn("python3", [script, socket], { stdio: ["ignore", "pipe", "inherit"] });
      onTestFinished(() => void python.kill("SIGKILL"));
      const told = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
      const next = async (): Promise<string> => String((await told.next()).value);
      expect(await next()).toBe("listening");
      const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "400000" };
      const running = new Running(["--dir", join(parent, "keys"), ...flags], { env });
      expect(await next()).toMatch(/^READY=1 STATUS=key .{8}… \(ES256\) signs; next: /);
      const until = async (wanted: RegExp): Promise<void> => {
        while (!wanted.test(await next()));
      };
      await until(/^WATCHDOG=1$/);
      await until(/^STATUS=key/);
      await until(/^WATCHDOG=1$/);
      running.signal("SIGTERM");
      await until(/^STOPPING=1$/);
      expect(await running.ended()).toBe(0);
    },
  );
});
