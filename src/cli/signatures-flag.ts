import type { Option } from "commander";
import { flag } from "./flags.ts";

/** Whose signatures are asked for. */
export type WantedSignatures = "native" | "node";

export interface SignaturesFlag {
  readonly signatures?: WantedSignatures;
}

export const signaturesFlag = (): Option =>
  flag("--signatures <which>", "native: AWS-LC's, which are faster; node: those of node:crypto, which are slower", {
    choices: ["native", "node"] satisfies readonly WantedSignatures[],
    otherwise: "native where this program brings them for the machine",
  });
