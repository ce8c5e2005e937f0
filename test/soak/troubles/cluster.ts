import type { Trouble } from "../schedule.ts";
import type { ClusterWorld } from "../world/cluster.ts";
import { objectTroubles } from "./objects.ts";
import { peopleTroubles } from "./people.ts";
import { controllerTroubles, gatewayTroubles } from "./programs.ts";
import { serverTroubles } from "./server.ts";

/** Everything that befalls a cluster. */
export const clusterTroubles: readonly Trouble<ClusterWorld>[] = [
  ...controllerTroubles,
  ...gatewayTroubles,
  ...serverTroubles,
  ...objectTroubles,
  ...peopleTroubles,
];
