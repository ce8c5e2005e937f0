import type { ProjectionName } from "../../ring/codec.ts";
import { modes } from "./layout.ts";

/** Who may read a projection: its group, by its number. @default signer: nobody else; public: everybody */
export type Readers = Readonly<Partial<Record<ProjectionName, number>>>;

/** What mode and group the files and the directories of a projection are to have. */
export interface ProjectionAccess {
  readonly mode: number;
  readonly dirMode: number;
  /** @default the kernel's choice */
  readonly group?: number;
}

/** For the members of that group, and nobody else. */
const groupAlone = { mode: 0o640, dirMode: 0o750 };

const unlessTold: Readonly<Record<ProjectionName, ProjectionAccess>> = {
  signer: { mode: modes.secretFile, dirMode: modes.secretDir },
  public: { mode: modes.openFile, dirMode: modes.openDir },
};

export function accessOf(object: ProjectionName, readers: Readers): ProjectionAccess {
  const group = readers[object];
  return group === undefined ? unlessTold[object] : { ...groupAlone, group };
}
