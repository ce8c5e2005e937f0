import { builtFrom, type Say } from "../go.ts";

/** The path of the program around Prometheus' parser, built once, into the cache: a minute. */
export const promqlParser = (say: Say): Promise<string> =>
  builtFrom({ folder: import.meta.dirname, program: "promql", name: "Prometheus' parser" }, say);
