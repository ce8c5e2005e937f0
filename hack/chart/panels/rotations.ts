import type { Panel } from "./panel.ts";

const of = 'namespace=~"$namespace",name=~"$name"';
const gateways = 'namespace=~"$namespace"';

/** Of rotations, their controller and their gateways. */
export const rotationPanels: readonly Panel[] = [
  {
    title: "Stalled",
    description: "Rotations for which a person must act: kubectl describe jkr says why.",
    kind: "stat",
    redFrom: 1,
    queries: [{ expr: `sum(max by (namespace, name) (keyturn_stalled{${of}}))`, legend: "stalled" }],
  },
  {
    title: "Not ready",
    description: "Rotations whose signer is not known to every verifier.",
    kind: "stat",
    redFrom: 1,
    queries: [
      { expr: `count(max by (namespace, name) (keyturn_ready{${of}}) == 0) or vector(0)`, legend: "not ready" },
    ],
  },
  {
    title: "Gateways that are waited for",
    description: "They have not acknowledged the newest ring.",
    kind: "stat",
    redFrom: 1,
    queries: [{ expr: `sum(max by (namespace, name) (keyturn_waiting_gateways{${of}}))`, legend: "gateways" }],
  },
  {
    title: "Leaders",
    description: "Controllers that act: one.",
    kind: "stat",
    queries: [{ expr: 'sum(leader_election_master_status{name=~".*controller",job=~"$job"})', legend: "leaders" }],
  },
  {
    title: "Next step",
    description: "Seconds until the next step may be due. Below zero: it waits to be carried out.",
    kind: "timeseries",
    unit: "s",
    queries: [
      { expr: `min by (namespace, name) (keyturn_next_step_seconds{${of}})`, legend: "{{namespace}}/{{name}}" },
    ],
  },
  {
    title: "Keys by state",
    description: "A rotation at rest has one that signs and one that is prepared.",
    kind: "timeseries",
    queries: [{ expr: `sum by (state) (max by (namespace, name, state) (keyturn_keys{${of}}))`, legend: "{{state}}" }],
  },
  {
    title: "Rotations",
    description: "Keys that became the signer, by what asked for it; early: an emergency cut a wait short.",
    kind: "timeseries",
    queries: [
      { expr: `sum by (why, result) (increase(keyturn_rotations_total{${of}}[1h]))`, legend: "{{why}}, {{result}}" },
    ],
  },
  {
    title: "Ring generation: controller and gateways",
    description: "Gateways follow within milliseconds.",
    kind: "timeseries",
    queries: [
      { expr: `max by (namespace, name) (keyturn_ring_generation{${of}})`, legend: "{{namespace}}/{{name}}" },
      { expr: `min by (namespace, pod) (keyturn_gateway_ring_generation{${gateways}})`, legend: "{{pod}} has" },
      {
        expr: `min by (namespace, pod) (keyturn_gateway_acked_generation{${gateways}})`,
        legend: "{{pod}} acknowledged",
      },
    ],
  },
  {
    title: "Verifications",
    description: "Requests to /verify by what the caller was told.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      {
        expr: `sum by (result, reason) (rate(keyturn_gateway_verifications_total{${gateways}}[5m]))`,
        legend: "{{result}} {{reason}}",
      },
    ],
  },
  {
    title: "Tokens by key",
    description:
      "That were found good. A key in state verify-only is an old one: before it is pruned, nobody should use it.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      {
        expr: `sum by (kid, state) (rate(keyturn_gateway_accepted_tokens_total{${gateways}}[5m]) * on (namespace, pod, kid) group_left (state) keyturn_gateway_key_info{${gateways}})`,
        legend: "{{state}} {{kid}}",
      },
    ],
  },
  {
    title: "Minted tokens",
    description: "Requests for a token by outcome.",
    kind: "timeseries",
    unit: "reqps",
    queries: [{ expr: `sum by (outcome) (rate(keyturn_gateway_mints_total{${gateways}}[5m]))`, legend: "{{outcome}}" }],
  },
  {
    title: "Mint fence",
    description: "Seconds for which a gateway could go on minting if the API server went away now.",
    kind: "timeseries",
    unit: "s",
    queries: [{ expr: `min by (namespace, pod) (keyturn_gateway_mint_fence_seconds{${gateways}})`, legend: "{{pod}}" }],
  },
  {
    title: "Silence of gateways",
    description: "Seconds since each last heard its source. Past the propagation wait it hands out no public keys.",
    kind: "timeseries",
    unit: "s",
    queries: [{ expr: `max by (namespace, pod) (keyturn_gateway_silence_seconds{${gateways}})`, legend: "{{pod}}" }],
  },
  {
    title: "Silence of the controller's watches",
    description: "Seconds since the API server last said something to each. From 30 on it counts as deaf.",
    kind: "timeseries",
    unit: "s",
    queries: [
      {
        expr: 'max by (namespace, resource) (keyturn_watch_silence_seconds{job=~"$job"})',
        legend: "{{resource}} {{namespace}}",
      },
    ],
  },
  {
    title: "Degraded gateways",
    description: "They serve from their mount, without the API server.",
    kind: "timeseries",
    queries: [{ expr: `sum by (namespace) (keyturn_gateway_degraded{${gateways}})`, legend: "{{namespace}}" }],
  },
  {
    title: "Passes of the controller",
    description: "Looks at a rotation, by result.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      { expr: 'sum by (result) (rate(controller_runtime_reconcile_total{job=~"$job"}[5m]))', legend: "{{result}}" },
    ],
  },
  {
    title: "Requests to the API server",
    description: "Of the controller, by code.",
    kind: "timeseries",
    unit: "reqps",
    queries: [{ expr: 'sum by (code) (rate(rest_client_requests_total{job=~"$job"}[5m]))', legend: "{{code}}" }],
  },
];
