import { credsAuthenticator } from "@nats-io/transport-node";
import { quotedPath } from "../../../errors/quote.ts";
import { readCa } from "../../../http/read-ca.ts";
import type { BusOptions } from "../../sessions-options.ts";
import { busUnusable, checkBusPlace } from "../bus-place.ts";

/** Who reads the files of a bus, a CA's among them. */
type FileReader = Parameters<typeof readCa>[0];

/**
 * Whether there can be a bus, as far as that is known without a server. To be asked before anything is served: later a file that is unfit only means that
 * the bus is away, since it may be about to be replaced.
 *
 * @throws ChangeNeededError `BusUnusable`, `FileUnreadable`, `FileUnfit`
 */
export async function checkBus(options: BusOptions, files: FileReader): Promise<void> {
  checkBusPlace(options);
  const { credentialsFile, caFile } = options;
  if (caFile !== undefined) await readCa(files, caFile);
  if (credentialsFile !== undefined) mustSign(await files.read(credentialsFile), credentialsFile);
}

/** As a server will ask for it. */
function mustSign(credentials: string, path: string): void {
  try {
    credsAuthenticator(Buffer.from(credentials))("nonce");
  } catch {
    // Without a cause: it may tell of what is in there
    throw busUnusable(`credentials ${quotedPath(path)}: must hold a user's JWT and its seed, as nsc writes them`);
  }
}
