import { join } from "node:path";
import { readIfThere, removeIfThere, replaceFile } from "../../files/atomic.ts";
import type { Disk } from "../../files/disk.ts";
import { RefusedEntryError } from "../../files/fs-errors.ts";
import { keyRingAck, parseKeyRingAck } from "../../ring/ack-document.ts";
import type { Ack } from "../../ring/ack.ts";
import { KeyturnError, TryLaterError } from "../../errors/keyturn-error.ts";
import type { AckSink } from "./ack-sink.ts";
import { parseJson } from "../../parse/document.ts";

export interface FileAcksOptions {
  readonly disk: Disk;
  /** The `acks` directory of a rotation on files. */
  readonly dir: string;
  /** Names the file; no two gateways may have the same. */
  readonly instance: string;
  /** Undefined as long as no ring has said it. */
  readonly rotation: () => string | undefined;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
}

/** A file that is touched every 10 s; standalone takes one of more than 60 s for a gateway that is gone. */
export class FileAcks implements AckSink {
  readonly checkEveryMs = 10_000;
  readonly #options: FileAcksOptions;
  readonly #path: string;

  constructor(options: FileAcksOptions) {
    this.#options = options;
    this.#path = join(options.dir, `${options.instance}.json`);
  }

  async write(ack: Ack): Promise<void> {
    const { disk, instance } = this.#options;
    const rotation = this.#options.rotation();
    if (rotation === undefined) throw new TryLaterError("NoRing", "Cannot acknowledge: there is no ring yet");
    const document = keyRingAck({ name: instance }, { rotation, podName: instance, ack });
    await replaceFile(disk, this.#path, { text: `${JSON.stringify(document)}\n`, mode: 0o600 });
  }

  async check(): Promise<Ack | undefined> {
    const { disk, rotation, instance, nowMs } = this.#options;
    try {
      const text = await readIfThere(disk, this.#path);
      if (text === undefined) return undefined;
      const subject = { code: "AckUnreadable", action: "Cannot read acknowledgement" };
      const stated = parseKeyRingAck(parseJson(text, { subject, publicOnly: true }).value);
      if (stated.rotation !== rotation() || stated.podName !== instance) return undefined;
      await disk.touch(this.#path, nowMs());
      return stated.ack;
    } catch (error) {
      if (error instanceof KeyturnError || error instanceof RefusedEntryError) return undefined;
      throw error;
    }
  }

  /** Nobody waits for a gateway that has said good-bye. */
  end(): Promise<void> {
    return removeIfThere(this.#options.disk, this.#path);
  }
}
