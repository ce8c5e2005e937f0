import { makeRotation, quick, type RotationHandle, type Scene } from "../../controller/support/scene.ts";

/** A rotation that is Ready, whose tokens live for ten minutes. */
export async function settled(scene: Scene, name: string): Promise<RotationHandle> {
  const rotation = await makeRotation(scene.namespace, name, {
    ...quick,
    tokens: { ...quick.tokens, maxTTL: "10m" },
  });
  await rotation.ready();
  return rotation;
}
