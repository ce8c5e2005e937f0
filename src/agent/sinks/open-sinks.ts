import { quotedPath } from "../../errors/quote.ts";
import { type Disk, nodeDisk } from "../../files/disk.ts";
import { RefusedEntryError } from "../../files/fs-errors.ts";
import type { IdentitySpec, SinkSpec } from "../agent-spec.ts";
import { directorySink } from "./directory-sink.ts";
import { fileSink } from "./file-sink.ts";
import type { Sink } from "./sink.ts";
import type { SinkPorts } from "./sink-access.ts";
import { withSinkErrors } from "./sink-errors.ts";
import { UnfinishedFiles } from "./unfinished-files.ts";

/** What is not given is the machine's. Whoever opens many places gives them one `unfinished`: else each lists its directory by itself. */
type OpeningPorts = Pick<SinkPorts, "clock" | "chance"> & Partial<SinkPorts>;

/** The places of an identity, in its order. Nothing is touched before the first token. */
export const openSinks = ({ sinks }: Pick<IdentitySpec, "sinks">, ports: OpeningPorts): readonly Sink[] =>
  sinks.map((spec) => openSink(spec, ports));

const realDisk = (group?: number): Disk => nodeDisk(group === undefined ? {} : { group });

/** One place. Nothing is touched before the first token. */
export function openSink(spec: SinkSpec, ports: OpeningPorts): Sink {
  const place = quotedPath(spec.path);
  const { write, remove } = kindOf(spec, { makeDisk: realDisk, unfinished: new UnfinishedFiles(), ...ports });
  return {
    place,
    write: (token) => withSinkErrors(`Cannot write the token to ${place}`, () => write(token)),
    remove: () => withSinkErrors(`Cannot remove the token from ${place}`, () => ofOurs(remove)),
  };
}

function kindOf(spec: SinkSpec, ports: SinkPorts): Omit<Sink, "place"> {
  switch (spec.kind) {
    case "file":
      return fileSink(spec, ports);
    case "directory":
      return directorySink(spec, ports);
    default:
      return spec satisfies never;
  }
}

/** What belongs to somebody else by now is not what was written. */
async function ofOurs(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RefusedEntryError)) throw error;
  }
}
