import type { Panel } from "./panel.ts";

const gateways = 'namespace=~"$namespace"';

/** Of sessions, which gateways have. */
export const sessionPanels: readonly Panel[] = [
  {
    title: "Open sessions",
    description: "Of all gateways.",
    kind: "stat",
    queries: [{ expr: `sum(keyturn_gateway_sessions_open{${gateways}})`, legend: "open" }],
  },
  {
    title: "Overdue sessions",
    description: "In a day: they outlived their token and the grace by more than a second. There should be none, ever.",
    kind: "stat",
    redFrom: 1,
    queries: [{ expr: `sum(increase(keyturn_gateway_sessions_overdue_total{${gateways}}[1d]))`, legend: "overdue" }],
  },
  {
    title: "Hubs without an application",
    description: "What clients send waits, and nobody sends to them.",
    kind: "stat",
    redFrom: 1,
    queries: [{ expr: `count(keyturn_gateway_sessions_hub_attached{${gateways}} == 0) or vector(0)`, legend: "hubs" }],
  },
  {
    title: "Gateways without the bus",
    description: "They serve what they have, and know nothing of the others' sessions.",
    kind: "stat",
    redFrom: 1,
    queries: [
      { expr: `count(keyturn_gateway_sessions_bus_connected{${gateways}} == 0) or vector(0)`, legend: "gateways" },
    ],
  },
  {
    title: "Sessions by gateway",
    description: "Open, and clients that are known: those that are away are kept for a while.",
    kind: "timeseries",
    queries: [
      { expr: `sum by (namespace, pod) (keyturn_gateway_sessions_open{${gateways}})`, legend: "{{pod}} open" },
      { expr: `sum by (namespace, pod) (keyturn_gateway_sessions_peers{${gateways}})`, legend: "{{pod}} known" },
    ],
  },
  {
    title: "Sessions that begin",
    description:
      "anew: a client that was not known; resumed: it goes on where it was; renewed: another token in place.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      { expr: `sum by (how) (rate(keyturn_gateway_sessions_accepted_total{${gateways}}[5m]))`, legend: "{{how}}" },
      { expr: `sum(rate(keyturn_gateway_sessions_renewed_total{${gateways}}[5m]))`, legend: "renewed" },
    ],
  },
  {
    title: "Clients that come back",
    description:
      "From the session before, which ends as Superseded, from being away, or from another replica; resumed: nothing is in doubt. Moved: to another replica.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      {
        expr: `sum by (from, how) (rate(keyturn_gateway_sessions_handovers_total{${gateways}}[5m]))`,
        legend: "{{from}} {{how}}",
      },
      { expr: `sum(rate(keyturn_gateway_sessions_moved_total{${gateways}}[5m]))`, legend: "moved" },
    ],
  },
  {
    title: "Sessions that end",
    description: "By code. Superseded: the next one took over; Left: its client closed it; Lost: the connection broke.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      { expr: `sum by (code) (rate(keyturn_gateway_sessions_ended_total{${gateways}}[5m]))`, legend: "{{code}}" },
    ],
  },
  {
    title: "Refused sessions",
    description: "Connections on which none began, by code.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      { expr: `sum by (code) (rate(keyturn_gateway_sessions_refused_total{${gateways}}[5m]))`, legend: "{{code}}" },
    ],
  },
  {
    title: "Messages of sessions",
    description: "in: to the application; out: of the application, by what became of them.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      {
        expr: `sum by (direction, outcome) (rate(keyturn_gateway_sessions_messages_total{${gateways}}[5m]))`,
        legend: "{{direction}} {{outcome}}",
      },
      {
        expr: `sum(rate(keyturn_gateway_sessions_messages_redelivered_total{${gateways}}[5m]))`,
        legend: "in once more",
      },
    ],
  },
  {
    title: "Life past the end of the token",
    description:
      "Seconds, of sessions that end: half of them, and 99 of 100. Never more than the grace, 25 s unless it was set.",
    kind: "timeseries",
    unit: "s",
    queries: ["0.5", "0.99"].map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (le) (rate(keyturn_gateway_sessions_past_expiry_seconds_bucket{${gateways}}[5m])))`,
      legend: `p${Number(quantile) * 100}`,
    })),
  },
];
