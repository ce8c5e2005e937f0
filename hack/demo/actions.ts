import { KeyturnError } from "../../src/errors/keyturn-error.ts";
import { revoke } from "../../src/tools/change/revoke.ts";
import { rollback } from "../../src/tools/change/rollback.ts";
import { rotate } from "../../src/tools/change/rotate.ts";
import type { Io, Screen } from "../../src/tools/text/screen.ts";
import { holds } from "../../src/ring/view.ts";
import type { Scene } from "./scene.ts";
import type { Stage } from "./stage.ts";

/** What a key on the keyboard does: the very functions behind `keyturn rotate`, `rollback` and `revoke`. */
export type Action = "rotate" | "roll back" | "revoke";

export const keys: Readonly<Record<string, Action>> = { r: "rotate", b: "roll back", x: "revoke" };

/** Does it, and tells in the scene what the tool said. */
export async function act(
  action: Action,
  { stage: { home }, scene, io }: { readonly stage: Stage; readonly scene: Scene; readonly io: Io },
): Promise<void> {
  const said: string[] = [];
  const ear: Screen = {
    columns: 200,
    rows: 50,
    colour: false,
    unicode: true,
    live: false,
    write: (text) => said.push(text),
  };
  const heard: Io = { ...io, out: ear, err: ear };
  try {
    await perform(action, { home, scene, io: heard });
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    said.push(error.message);
  }
  // The first line says what was asked for; what comes of it is told when it comes
  const [line = ""] = said.join("").split("\n");
  const text = line
    .replace(/no scheduled rotation happens until .*/, "nothing rotates until you press r")
    .replace(/; it is the signer: .*/, ", the signer");
  scene.tell({ atMs: io.nowMs(), what: "you", text });
}

async function perform(
  action: Action,
  { home, scene, io }: { home: Stage["home"]; scene: Scene; io: Io },
): Promise<void> {
  const once = { wait: false, unpin: false };
  switch (action) {
    case "rotate":
      if (scene.view && holds(scene.view, "Pinned")) await rollback(home, { ...once, unpin: true }, io);
      await rotate(home, once, io);
      return;
    case "roll back":
      await rollback(home, once, io);
      return;
    case "revoke": {
      const kid = scene.view?.ring?.signer.kid;
      if (kid !== undefined) await revoke(home, { ...once, kid, reason: "pressed x", unknown: false }, io);
      return;
    }
    default:
      action satisfies never;
  }
}
