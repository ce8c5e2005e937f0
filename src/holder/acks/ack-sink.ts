import type { Ack } from "../../ring/ack.ts";

/** Where a gateway's acknowledgements go. */
export interface AckSink {
  /** Resolves when the ack stands. @throws KubeError or an error of node:fs */
  write(ack: Ack): Promise<void>;
  /** What stands there; undefined when that is nothing, or nothing of ours. Keeps alive what must be kept alive. */
  check(): Promise<Ack | undefined>;
  /** Tells whenever something else may stand there than was written last, until the signal; absent: nobody tells. */
  watch?(signal: AbortSignal, tell: () => void): Promise<void>;
  /** How often {@link check} is to be called, in milliseconds. */
  readonly checkEveryMs: number;
  /** Takes the ack back, where nobody else does. */
  end(): Promise<void>;
}
