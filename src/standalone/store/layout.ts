import { join } from "node:path";

/** Where everything of a directory stands (docs/design.md, section 7). */
export interface Layout {
  readonly dir: string;
  /** 0700: `keyring.<generation>.json`, the truth. */
  readonly ring: string;
  /** The signer object behind `..data`; who may read it is told ({@link Readers}). */
  readonly signer: string;
  /** The public object behind `..data`, the same. */
  readonly public: string;
  /** 0700: one KeyRingAck per gateway. */
  readonly acks: string;
  /** 0700: one socket per process that wants to run here. */
  readonly lock: string;
  /** 0700: what a recovery could not take over. Made when there is something; nothing in it is ever removed. */
  readonly setAside: string;
  /** 0600: what the tools ask for. */
  readonly overrides: string;
  /** 0600: the JwtKeyRotation in force, without the overrides, for the tools. */
  readonly rotation: string;
  /** 0600: why the config that stands there now is not in force; there only while it is not. */
  readonly refused: string;
  /** 0600: what must outlive the ring. */
  readonly state: string;
}

export const modes = { openDir: 0o755, secretDir: 0o700, secretFile: 0o600, openFile: 0o644 } as const;

export function layoutOf(dir: string): Layout {
  return {
    dir,
    ring: join(dir, "ring"),
    signer: join(dir, "signer"),
    public: join(dir, "public"),
    acks: join(dir, "acks"),
    lock: join(dir, "lock"),
    setAside: join(dir, "set-aside"),
    overrides: join(dir, "overrides.json"),
    rotation: join(dir, "rotation.json"),
    refused: join(dir, "refused.json"),
    state: join(dir, "state.json"),
  };
}
