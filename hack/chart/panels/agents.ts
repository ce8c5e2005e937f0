import type { Panel } from "./panel.ts";

const agents = 'namespace=~"$namespace"';

/** Of `keyturn agent`. */
export const agentPanels: readonly Panel[] = [
  {
    title: "Identities",
    description: "Whose tokens agents keep fresh.",
    kind: "stat",
    queries: [{ expr: `sum(keyturn_agent_identities{${agents}})`, legend: "identities" }],
  },
  {
    title: "Denied to agents",
    description: "In an hour. The first credential was refused, too: keyturn agent status says why.",
    kind: "stat",
    redFrom: 1,
    queries: [
      { expr: `sum(increase(keyturn_agent_outcomes_total{outcome="denied",${agents}}[1h]))`, legend: "denied" },
    ],
  },
  {
    title: "Places without the newest token",
    description: "Files that agents can't write; they are tried again.",
    kind: "stat",
    redFrom: 1,
    queries: [{ expr: `sum(keyturn_agent_sink_problems{${agents}})`, legend: "places" }],
  },
  {
    title: "What agents did",
    description:
      "renewed: a new token; away: the issuer did not answer, or not now; sinkFailed: a file could not be written.",
    kind: "timeseries",
    unit: "reqps",
    queries: [{ expr: `sum by (outcome) (rate(keyturn_agent_outcomes_total{${agents}}[5m]))`, legend: "{{outcome}}" }],
  },
  {
    title: "Life left of agents' tokens",
    description: "Seconds until an identity's token ends if it is not renewed. One that is kept on use may be over.",
    kind: "timeseries",
    unit: "s",
    queries: [
      {
        expr: `min by (namespace, pod, identity) (keyturn_agent_token_expiry_timestamp_seconds{${agents}}) - time()`,
        legend: "{{pod}} {{identity}}",
      },
    ],
  },
];
