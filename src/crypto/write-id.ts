import { randomBytes } from "node:crypto";
import type { WriteId } from "../ring/lineage.ts";

/** Returns an id for one write of a ring: 48 random bits, so that two lines of writes don't meet by chance. */
export const newWriteId = (): WriteId => randomBytes(6).toString("base64url");
