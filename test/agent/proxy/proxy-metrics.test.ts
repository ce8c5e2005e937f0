import { get } from "node:http";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { ProxyMetrics } from "../../../src/agent/proxy/proxy-metrics.ts";
import { RawClient } from "../../http/support/serve.ts";
import { answerTo, bodyOf, proxied } from "./support/proxied.ts";

test("requests are counted by class, by code where the proxy answers itself, and by what came of a refused token", async () => {
  const registry = new Registry();
  const { answered } = new ProxyMetrics(registry);
  const statuses = [200, 401, 204, 401, 401];
  const { url, port } = await proxied(
    (_, response) => {
      response.statusCode = statuses.shift() ?? 500;
      response.end();
    },
    {},
    { onAnswered: answered },
  );
  // 200, 204 after a 401, 401 after a 401
  for (const headers of [{}, {}, {}, { authorization: "Basic YTpi" }])
    await bodyOf(await answerTo(get(url, { headers })));
  const tunnel = await RawClient.to(port);
  await tunnel.write("CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n").ended;
  const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith("keyturn_"));
  expect(lines).toEqual([
    'keyturn_agent_proxy_requests_total{status="1xx"} 0',
    'keyturn_agent_proxy_requests_total{status="2xx"} 2',
    'keyturn_agent_proxy_requests_total{status="3xx"} 0',
    'keyturn_agent_proxy_requests_total{status="4xx"} 3',
    'keyturn_agent_proxy_requests_total{status="5xx"} 0',
    'keyturn_agent_proxy_problems_total{code="AuthorizationPresent"} 1',
    'keyturn_agent_proxy_problems_total{code="TunnelRefused"} 1',
    'keyturn_agent_proxy_refusals_total{outcome="repeated"} 2',
    'keyturn_agent_proxy_refusals_total{outcome="unrepeatable"} 0',
    'keyturn_agent_proxy_refusals_total{outcome="noOther"} 0',
  ]);
});

test("a status that HTTP does not know is one more class, not one label each", async () => {
  const registry = new Registry();
  const { answered } = new ProxyMetrics(registry);
  for (const status of [0, 600, 999]) answered({ status });
  expect(await registry.getSingleMetricAsString("keyturn_agent_proxy_requests_total")).toContain('{status="other"} 3');
});
