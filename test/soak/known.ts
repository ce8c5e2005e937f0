/** Troubles that are not survived yet, and why: left out unless they are asked for by `--troubles`. */
export const notYet: Readonly<Record<string, string>> = {
  "controller swallowed": "a controller that hears nothing notices after minutes",
  "both controllers swallowed": "a controller that hears nothing notices after minutes",
  "clock of a controller steps": "a step within the tolerance cuts a wait short",
  "clocks of the controllers apart": "a difference within the tolerance cuts a wait short",
  "clock of standalone steps": "a step within the tolerance cuts a wait short",
  "clocks of the gateways apart": "a verifier allows for clockSkew in all, not for the minter's and its own",
  "etcd restored": "watches wait for a version that the server will not reach for long",
};
