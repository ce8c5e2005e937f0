import type { Panel } from "./panel.ts";

const issuers = 'namespace=~"$namespace"';

/** Of `keyturn issuer`. */
export const issuerPanels: readonly Panel[] = [
  {
    title: "Refresh tokens used twice",
    description:
      "In a day. Each ended its grant: somebody else had the token. The log says whose, by the event grant.reuse.",
    kind: "stat",
    redFrom: 1,
    queries: [
      {
        expr: `sum(increase(keyturn_issuer_renewals_total{outcome="reused",${issuers}}[1d]))`,
        legend: "reused",
      },
    ],
  },
  {
    title: "Issuers without their store",
    description: "They answer 503; no refresh token is lost by it.",
    kind: "stat",
    redFrom: 1,
    queries: [{ expr: `count(keyturn_issuer_store_open{${issuers}} == 0) or vector(0)`, legend: "away" }],
  },
  {
    title: "Issuers whose TokenIssuer file is refused",
    description: "The one before stays in force: /readyz says what is wrong.",
    kind: "stat",
    redFrom: 1,
    queries: [{ expr: `sum(keyturn_issuer_file_refused{${issuers}})`, legend: "refused" }],
  },
  {
    title: "Grants",
    description: "That can be renewed, counted every few minutes.",
    kind: "stat",
    queries: [{ expr: `sum(max by (namespace) (keyturn_issuer_grants{${issuers}}))`, legend: "grants" }],
  },
  {
    title: "Given out",
    description: "Grants, those below another one, and access tokens alone.",
    kind: "timeseries",
    unit: "reqps",
    queries: [{ expr: `sum by (kind) (rate(keyturn_issuer_issued_total{${issuers}}[5m]))`, legend: "{{kind}}" }],
  },
  {
    title: "Renewals",
    description:
      "Refresh tokens that were shown, by what became of it. replayed: a lost answer; superseded: a twin of its owner; reused: a thief.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      { expr: `sum by (outcome) (rate(keyturn_issuer_renewals_total{${issuers}}[5m]))`, legend: "{{outcome}}" },
    ],
  },
  {
    title: "Refused requests to issuers",
    description: "By status and code. 5xx is to be tried again, and no fault of the client.",
    kind: "timeseries",
    unit: "reqps",
    queries: [
      {
        expr: `sum by (status, code) (rate(keyturn_issuer_requests_total{status=~"4..|5..",${issuers}}[5m]))`,
        legend: "{{status}} {{code}}",
      },
    ],
  },
  {
    title: "Latency of issuers",
    description: "Seconds until an answer was sent, for half of the requests and for 99 of 100.",
    kind: "timeseries",
    unit: "s",
    queries: ["0.5", "0.99"].map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (le) (rate(keyturn_issuer_request_seconds_bucket{${issuers}}[5m])))`,
      legend: `p${Number(quantile) * 100}`,
    })),
  },
  {
    title: "Issuers' connections to their store",
    description: "In use, and calls that wait for one.",
    kind: "timeseries",
    queries: [
      { expr: `sum by (namespace, pod) (keyturn_issuer_store_busy{${issuers}})`, legend: "{{pod}} busy" },
      { expr: `sum by (namespace, pod) (keyturn_issuer_store_waiting{${issuers}})`, legend: "{{pod}} waiting" },
    ],
  },
  {
    title: "Revocations in issuers' memory",
    description:
      "Of tokens and subjects, for as long as one of their tokens may live: all replicas have the same. Of a grant the store is asked.",
    kind: "timeseries",
    queries: [{ expr: `min by (namespace, pod) (keyturn_issuer_revocations{${issuers}})`, legend: "{{pod}}" }],
  },
  {
    title: "Fence of issuers",
    description: "Seconds for which an issuer could go on signing if the API server went away now.",
    kind: "timeseries",
    unit: "s",
    queries: [{ expr: `min by (namespace, pod) (keyturn_issuer_mint_fence_seconds{${issuers}})`, legend: "{{pod}}" }],
  },
  {
    title: "Silence of issuers",
    description: "Seconds since each last heard its source. Past the propagation wait it hands out no public keys.",
    kind: "timeseries",
    unit: "s",
    queries: [{ expr: `max by (namespace, pod) (keyturn_issuer_silence_seconds{${issuers}})`, legend: "{{pod}}" }],
  },
];
