import { exitCodes, type ExitCode } from "./exit.ts";
import type { RingHome } from "../keeper/home.ts";
import type { Io } from "./text/screen.ts";

/** Prints the published JWKS, byte for byte. */
export async function jwks(home: RingHome, io: Io): Promise<ExitCode> {
  io.out.write(await home.publicJwks());
  return exitCodes.done;
}
