import type { FileAccess, SinkFormat, SinkSpec } from "../../../src/agent/agent-spec.ts";
import { openSinks } from "../../../src/agent/sinks/open-sinks.ts";
import type { Sink } from "../../../src/agent/sinks/sink.ts";
import type { SinkPorts } from "../../../src/agent/sinks/sink-access.ts";
import type { FreshToken } from "../../../src/identity/kept-identity.ts";

const endsAtMs = Date.UTC(2026, 10, 30, 12);

/** The nth token: as long as a real one is. */
export const tokenOf = (n: number): FreshToken => ({
  accessToken: `${"h".repeat(40)}.${String(n).padStart(800, "p")}.${"s".repeat(86)}`,
  tokenId: `id-${n}`,
  expiresAtMs: endsAtMs + n,
});

export const fileOf = (path: string, options: Partial<FileAccess> & { format?: SinkFormat } = {}): SinkSpec => ({
  ...{ kind: "file", path, format: "token", mode: 0o600 },
  ...options,
});

export const directoryOf = (path: string, access: Partial<FileAccess> = {}): SinkSpec => ({
  ...{ kind: "directory", path, mode: 0o600 },
  ...access,
});

export function sinkOf(spec: SinkSpec, ports: Partial<SinkPorts> = {}): Sink {
  const clock = { nowMs: () => Date.now() };
  const [sink] = openSinks({ sinks: [spec] }, { clock, chance: Math.random, ...ports });
  if (sink === undefined) throw new Error("there is one");
  return sink;
}
