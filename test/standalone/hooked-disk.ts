import { nodeDisk, type Disk } from "../../src/files/disk.ts";

/** The real disk, on which every effect is announced before it happens and after. */
export function hookedDisk(hook: Hook, base: Disk = nodeDisk()): Disk {
  const effect = async <T>(name: string, args: readonly unknown[], work: () => Promise<T>): Promise<T> => {
    await hook.before?.(name, args);
    const result = await work();
    await hook.after?.(name, args);
    return result;
  };
  return {
    ...base,
    ofGroup: (group) => hookedDisk(hook, base.ofGroup(group)),
    makeDir: (...args) => effect("makeDir", args, () => base.makeDir(...args)),
    writeNew: (...args) => effect("writeNew", args, () => base.writeNew(...args)),
    link: (...args) => effect("link", args, () => base.link(...args)),
    symlink: (...args) => effect("symlink", args, () => base.symlink(...args)),
    rename: (...args) => effect("rename", args, () => base.rename(...args)),
    removeFile: (...args) => effect("removeFile", args, () => base.removeFile(...args)),
    removeDir: (...args) => effect("removeDir", args, () => base.removeDir(...args)),
    chmod: (...args) => effect("chmod", args, () => base.chmod(...args)),
    touch: (...args) => effect("touch", args, () => base.touch(...args)),
    syncDir: (...args) => effect("syncDir", args, () => base.syncDir(...args)),
  };
}

export interface Hook {
  readonly before?: (effect: string, args: readonly unknown[]) => void | Promise<void>;
  readonly after?: (effect: string, args: readonly unknown[]) => void | Promise<void>;
}
