import type { PairIssuer } from "../../../src/identity/pair-issuer.ts";
import type { Log } from "../../../src/telemetry/log.ts";
import { jwtWith } from "../../identity/support/pairs.ts";

const nothing = (): void => undefined;

/** Says nothing. */
export const quiet: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Long enough for a token of today: 16 KiB is the most, half a KiB is usual. */
const claims = { sub: "system:serviceaccount:shop:orders", scope: "orders:read orders:write", pad: "x".repeat(300) };

let given = 0;

/** A pair that nobody had before. */
export function newPair(): { readonly accessToken: string; readonly refreshToken: string } {
  given += 1;
  return { accessToken: jwtWith({ ...claims, jti: `id-${given}` }), refreshToken: `ktr_${"r".repeat(90)}${given}` };
}

/** An issuer in the own process, which answers at once. */
export const givingIssuer = (expiresInSeconds: number, onGiven: () => void = nothing): PairIssuer => ({
  ask: () => {
    onGiven();
    return Promise.resolve({ kind: "issued", issued: { ...newPair(), expiresInSeconds } });
  },
  credentialId: () => Promise.resolve("credential"),
});
