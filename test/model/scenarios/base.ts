import { basePolicy } from "../world/deeds.ts";
import type { GatewayDefinition, Scenario } from "../world/scenario.ts";

/** One clock ahead and one behind, as far as the skew allows: twice the skew lies between a minter and a verifier. */
export const ahead: GatewayDefinition = { name: "gateway-1", clock: 1 };
export const behind: GatewayDefinition = { name: "gateway-2", clock: -1 };
/** A pod that is to come. */
export const late: GatewayDefinition = { name: "gateway-3", later: true };
export const mounted: GatewayDefinition = { ...ahead, mountOnly: true };

/** What most worlds share: two gateways, proxies that cache the JWKS, an application that signs by itself. */
export const shared = {
  policy: basePolicy,
  gateways: [ahead, behind],
  caches: true,
  app: true,
} satisfies Partial<Scenario>;
