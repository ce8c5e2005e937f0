import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { imageFlags } from "../../../hack/docker/image-flags.ts";
import { root } from "../../../hack/run.ts";
import { type Address, addressText } from "../../../src/http/address.ts";
import { apiVersion, tokenAgentKind } from "../../../src/parse/api-names.ts";
import { start } from "../sidecar/processes.ts";

/** What an agent is started with. */
export interface AgentSetting {
  /** For its files. */
  readonly folder: string;
  /** Of the issuer of all. */
  readonly issuer: string;
  /** So many identities stand in its file, each a client of its own. */
  readonly identities: number;
  readonly listen: Address;
  /** In the place of a state directory. */
  readonly keepsInMemory?: boolean;
}

/** The program of the image as an agent. Resolves when all identities have a token. */
export async function startAgent({
  folder,
  issuer,
  identities,
  listen,
  keepsInMemory,
}: AgentSetting): Promise<ChildProcess> {
  const own = await mkdtemp(join(folder, "agent-"));
  const config = `${own}.json`;
  await writeFile(join(folder, "secret"), "a secret of the bench");
  const all = Array.from({ length: identities }, (_, n) => ({ name: `id-${n}`, source: clientOf(n) }));
  const spec = { issuer: { url: issuer }, identities: all };
  await writeFile(config, JSON.stringify({ apiVersion, kind: tokenAgentKind, metadata: { name: "bench" }, spec }));
  const child = await keyturnAgent([
    ...[`--config=${config}`, `--listen=${addressText(listen)}`],
    ...(keepsInMemory === true ? [] : [`--state-dir=${own}`]),
    ...(listen.kind === "unix" ? [`--register-dir=${folder}`] : []),
  ]);
  await untilListening(listen);
  return child;
}

/** Where the tokens of the identity of that number come from, as the file and the API have it; paths begin in the setting's folder. */
export const clientOf = (n: number): object => ({
  clientSecret: { clientID: `client-${n}`, secretFile: "secret" },
});

/** Of what puts it into a pod, and of the unit. */
const heapLimits = ["--max-old-space-size=160", "--max-semi-space-size=4"];

/** The program of the image, with the limits of memory that a pod's agent has. */
export async function keyturnAgent(flags: readonly string[]): Promise<ChildProcess> {
  const program = [...(await imageFlags()), ...heapLimits, join(root, "dist/bundle/keyturn.cjs"), "agent"];
  return start(process.execPath, [...program, ...flags, "--log-level=error"]);
}

/** Asks nothing: whoever listens there loses no time. */
export async function untilListening(address: Address): Promise<void> {
  while (!(await isListening(address))) await pause(1);
}

async function isListening(address: Address): Promise<boolean> {
  const socket = connectTo(address);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export const connectTo = (address: Address) =>
  address.kind === "unix" ? connect(address.path) : connect(address.port, address.host ?? "127.0.0.1");
