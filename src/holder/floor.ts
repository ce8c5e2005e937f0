import { join } from "node:path";
import { ensureDir, readIfThere, replaceFile } from "../files/atomic.ts";
import type { Disk } from "../files/disk.ts";
import { RefusedEntryError } from "../files/fs-errors.ts";
import { encodeKeyRing } from "../ring/codec.ts";
import { longest } from "../ring/codec/wire.ts";
import { KeyturnError } from "../errors/keyturn-error.ts";
import { openRing } from "./open-ring.ts";
import type { Confirmation, Floor } from "./state.ts";
import { formatInstant } from "../parse/instant.ts";
import { parseJson } from "../parse/document.ts";
import { formats } from "../parse/api-names.ts";

/** More revoked kids than a rotation comes to know; more than this is a mistake. */
const refusedLimit = 65_536;

/** What a gateway has served, kept where it outlives the container: an emptyDir. Never holds a private half. */
export class FloorFile {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #path: string;

  constructor(disk: Disk, dir: string) {
    this.#disk = disk;
    this.#dir = dir;
    this.#path = join(dir, "floor.json");
  }

  /** @returns `"lost"` when something stands there that can't be read */
  async read(): Promise<Floor | "lost" | undefined> {
    try {
      const text = await readIfThere(this.#disk, this.#path);
      return text === undefined ? undefined : await decoded(text);
    } catch (error) {
      if (error instanceof KeyturnError || error instanceof RefusedEntryError) return "lost";
      throw error;
    }
  }

  /** Resolves when it is on the disk. @throws Error of node:fs, RefusedEntryError */
  async write(floor: Floor): Promise<void> {
    await ensureDir(this.#disk, this.#dir, 0o700);
    await replaceFile(this.#disk, this.#path, { text: encoded(floor), mode: 0o600 });
  }
}

function encoded({ ring: { ring, publicJwks }, refused, confirmed }: Floor): string {
  const materials = new Map([...publicJwks].map(([kid, publicJwk]) => [kid, { publicJwk }]));
  return JSON.stringify({
    format: formats.floor,
    // As text: it is read by the same reader as any other key ring
    keyring: encodeKeyRing(ring, materials, "public"),
    refused: [...refused],
    ...(confirmed && { confirmed: { kid: confirmed.kid, askedAt: formatInstant(confirmed.askedAtMs) } }),
  });
}

async function decoded(text: string): Promise<Floor> {
  const subject = { code: "FloorUnreadable", action: "Cannot read floor" };
  const root = parseJson(text, { subject, publicOnly: true }).fields();
  root.at("format").oneOf([formats.floor]);
  const kept = root.maybe("confirmed")?.fields();
  const confirmed: Confirmation | undefined = kept && {
    kid: kept.at("kid").text(longest.kid),
    askedAtMs: kept.at("askedAt").instant(),
  };
  const refused = root.at("refused").list(refusedLimit);
  return {
    ring: await openRing(root.at("keyring").freeText(1, Infinity), "public", false),
    refused: new Set(refused.map((kid) => kid.text(longest.kid))),
    ...(confirmed && { confirmed }),
  };
}
