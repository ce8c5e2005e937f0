import { expect } from "vitest";
import { ChangeNeededError } from "../../../src/errors/keyturn-error.ts";
import { parseRotation } from "../../../src/ring/resource/rotation.ts";

export const tokens = { issuer: "https://issuer.example", audiences: ["gateway"] };

/** A resource with the least that is needed, and these fields in its spec. */
export const resource = (spec: object = {}, metadata: object = {}): object => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { name: "gateway-jwt", namespace: "edge", ...metadata },
  spec: { tokens, ...spec },
});
export const withTokens = (more: object): object => ({ tokens: { ...tokens, ...more } });
export const withRotation = (rotation: object): object => ({ rotation });

/** So many kids to revoke, all different. */
export const revoked = (count: number) => Array.from({ length: count }, (_, i) => ({ kid: `kid-${i}` }));

/** Every value that was judged so far: test/integration/crds asks a real API server about the same ones. */
export const judged: unknown[] = [];

/** The lines of the one error, empty when the resource is good. */
export function problemsOf(value: unknown): string[] {
  judged.push(value);
  try {
    parseRotation(value);
    return [];
  } catch (error) {
    if (!(error instanceof ChangeNeededError)) throw error;
    expect(error.code).toBe("InvalidSpec");
    return error.message.split("\n");
  }
}
export const problems = (spec: object, metadata: object = {}): string[] => problemsOf(resource(spec, metadata));
