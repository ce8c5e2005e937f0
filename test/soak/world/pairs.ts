import { decodeProtectedHeader } from "jose";
import type { Gateway } from "../programs/gateway.ts";

/**
 * Every gateway mints, every gateway accepts what each has minted, and who reads the public object could, too.
 *
 * @returns what is wrong, or undefined
 */
export async function pairsWork(gateways: readonly Gateway[], jwks = ""): Promise<string | undefined> {
  for (const minter of gateways) {
    const reply = await minter.mint();
    if (reply?.status !== 200) return `${minter.name} mints nothing: ${reply === undefined ? "no answer" : reply.body}`;
    const { token } = JSON.parse(reply.body) as { token: string };
    const { kid = "" } = decodeProtectedHeader(token);
    if (!jwks.includes(kid)) return `the public object lacks the kid ${kid}, which ${minter.name} signs with`;
    for (const verifier of gateways) {
      const status = await verifier.verify(token);
      if (status !== 200) return `${verifier.name} says ${String(status)} to a token of ${minter.name} (kid ${kid})`;
    }
  }
  return undefined;
}
