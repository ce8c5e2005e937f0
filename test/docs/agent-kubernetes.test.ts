import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseTokenIssuer } from "../../src/issuer/config/read-token-issuer.ts";
import { apiVersion, tokenIssuerKind } from "../../src/parse/api-names.ts";

const page = readFileSync(new URL("../../docs/agent.md", import.meta.url), "utf8");

/** The YAML of a section, block by block. */
function blocksBelow(heading: string): readonly unknown[] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return [...own.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]) => parse(text) as unknown);
}

describe("docs/agent.md, on Kubernetes", () => {
  const [values, policy] = blocksBelow("On Kubernetes") as [
    { readonly issuer: { readonly config: object } },
    { readonly networkPolicy: object },
  ];

  test("shows a trust that the issuer takes", () => {
    const file = {
      apiVersion,
      kind: tokenIssuerKind,
      metadata: { name: "issuer" },
      spec: values.issuer.config,
    };
    expect(() => parseTokenIssuer(file, "/")).not.toThrow();
  });

  test("shows values that the chart has", () => {
    const chart = parse(readFileSync(new URL("../../charts/keyturn/values.yaml", import.meta.url), "utf8")) as {
      readonly networkPolicy: object;
    };
    expect(Object.keys(chart.networkPolicy)).toEqual(expect.arrayContaining(Object.keys(policy.networkPolicy)));
  });
});
