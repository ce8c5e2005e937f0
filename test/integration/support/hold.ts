// Holds a cluster until it is killed; says where it is: for the test of what becomes of a cluster whose holder is killed.
import { startCluster } from "../../../hack/testcluster/cluster.ts";

const { connection, kubeConfigFile } = await startCluster();
console.log(JSON.stringify({ connection, kubeConfigFile }));
