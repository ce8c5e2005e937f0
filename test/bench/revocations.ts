import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../../hack/postgres.ts";
import { smallFiles } from "../../src/files/small-files.ts";
import { RevocationFollower } from "../../src/revocations/revocation-follower.ts";
import { systemClock } from "../../src/time/clock.ts";
import { type IssuerWorld, newIssuerWorld, specWith } from "../issuer/api/support/world.ts";
import { ruleWith } from "../issuer/support/token-issuers.ts";
import type { Figure, FiguresBench } from "./figures.ts";

interface Size {
  readonly gateways: number;
  readonly revocations: number;
}

const full: Size = { gateways: 500, revocations: 300 };
const quick: Size = { gateways: 4, revocations: 3 };

/** Issuers, their store and their gateways, all in one process and over real connections: each gateway alone would be faster. */
export const revocationsBench: FiguresBench = {
  name: "revocations",
  what: "from the call that revokes a token until the last of the gateways refuses it",
  async figures(isQuick) {
    const size = isQuick ? quick : full;
    const server = await startPostgres();
    try {
      const url = await server.create("revocations");
      return [
        ...(await figuresOf("sqlite, one issuer", [undefined], size)),
        ...(await figuresOf("postgres, two issuers", [url, url], size)),
      ];
    } finally {
      await server.remove();
    }
  },
};

/** @param stores - Of each issuer; undefined: one of its own, on SQLite */
async function figuresOf(what: string, stores: readonly (string | undefined)[], size: Size): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
  const issuers = await Promise.all(stores.map((store) => openIssuer(store)));
  const stop = new AbortController();
  const gateways = await Promise.all(
    Array.from({ length: size.gateways }, (_, nth) => {
      const issuer = issuers[nth % issuers.length];
      if (issuer === undefined) throw new Error("Cannot follow: there must be an issuer");
      return openGateway(issuer, join(folder, "token"), stop.signal);
    }),
  );
  const times: number[] = [];
  for (let nth = 0; nth < size.revocations; nth++) times.push(await timeOf(`token-${nth}`, issuers, gateways));
  stop.abort();
  await Promise.all(gateways.map(({ ended }) => ended));
  await Promise.all(issuers.map(({ world }) => world[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true });
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
  const many = `${what}, ${size.gateways} gateways`;
  return [
    { what: `${many}: median`, unit: "ms", ours: at(0.5) },
    { what: `${many}: p99`, unit: "ms", ours: at(0.99), goal: "≤ 250 ms" },
  ];
}

interface Issuer {
  readonly world: IssuerWorld;
  readonly url: URL;
}

async function openIssuer(store: string | undefined): Promise<Issuer> {
  const world = await newIssuerWorld({ mostASecond: 100_000 }, store);
  world.nowMs = Date.now();
  const allow = { audiences: ["api"], watchRevocations: true, requestRate: 100_000 };
  await world.allow(specWith({ trust: { rules: [ruleWith({ allow })] } }));
  return { world, url: new URL("/v1/revocations", await world.api.listen({ port: 0, host: "127.0.0.1" })) };
}

interface Gateway {
  readonly ended: Promise<void>;
  /** Resolves when a token is refused. */
  refuses(jti: string): Promise<void>;
}

async function openGateway({ world, url }: Issuer, tokenFile: string, signal: AbortSignal): Promise<Gateway> {
  await writeFile(tokenFile, world.foreign());
  const quiet = (): void => undefined;
  const follower = new RevocationFollower({
    ...{ url, credentials: { kind: "token", tokenFile }, files: smallFiles, clock: systemClock, chance: Math.random },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const { revoked } = follower;
  const heard = new EventTarget();
  const add = revoked.add.bind(revoked);
  revoked.add = (one) => {
    add(one);
    heard.dispatchEvent(new Event(one.value));
  };
  const ended = follower.run(signal);
  while (!follower.isConnected) await new Promise(setImmediate);
  return {
    ended,
    async refuses(jti) {
      if (!revoked.has({ jti })) await once(heard, jti);
    },
  };
}

async function timeOf(jti: string, [first]: readonly Issuer[], gateways: readonly Gateway[]): Promise<number> {
  if (first === undefined) throw new Error("Cannot revoke: there must be an issuer");
  const all = Promise.all(gateways.map((gateway) => gateway.refuses(jti)));
  const startMs = performance.now();
  const { store, nowMs } = first.world;
  await store.revokeToken(jti, { nowMs, endsAtMs: nowMs + 3_600_000 });
  await all;
  return performance.now() - startMs;
}
