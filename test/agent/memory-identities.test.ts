import { describeAgentIdentities } from "./support/identities-contract.ts";
import { identitySpec, MemoryIdentities } from "./support/memory-identities.ts";

describeAgentIdentities("in memory", (inFile) =>
  Promise.resolve({
    identities: new MemoryIdentities(inFile.map((name) => identitySpec(name))),
    spec: (name) => identitySpec(name),
    later: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
);
