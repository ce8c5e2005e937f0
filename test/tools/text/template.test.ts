import { describe, expect, test } from "vitest";
import { templateIn } from "../../../src/tools/text/template.ts";

const rotation = (name: string, kid: string) => ({
  metadata: { name, annotations: { "keyturn.dev/rotate-requested-at": "now" } },
  status: {
    activeKid: kid,
    ringGeneration: 7,
    gateways: { expected: 2 },
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Pinned", status: "False" },
    ],
  },
});
const one = rotation("gateway", "k1");
const list = { kind: "List", items: [one, rotation("mobile", "k2")] };

function rendered(text: string, object: object): string {
  const template = templateIn(text);
  if ("problem" in template) throw new Error(template.problem);
  return template.render(object);
}

describe("templateIn renders as kubectl does", () => {
  test.each<[template: string, text: string]>([
    ["{.status.activeKid}", "k1"],
    [".status.activeKid", "k1"],
    ["status.activeKid", "k1"],
    ["{$.status.activeKid}", "k1"],
    ["{@.status.activeKid}", "k1"],
    ["{.status['activeKid']}", "k1"],
    ['kid {.status.activeKid} of {.metadata.name}{"\\n"}', "kid k1 of gateway\n"],
    ["{.status.ringGeneration}", "7"],
    ["{.status.gateways}", '{"expected":2}'],
    ["{.status.conditions[*].type}", "Ready Pinned"],
    ["{.status.conditions[0].type}", "Ready"],
    ["{.status.conditions[-1].type}", "Pinned"],
    ["{.status.conditions[0:1].type}", "Ready"],
    ['{.status.conditions[?(@.type=="Ready")].status}', "True"],
    ["{.status.conditions[?(@.type=='Pinned')].status}", "False"],
    ["{.metadata.annotations.keyturn\\.dev/rotate-requested-at}", "now"],
    ["{..activeKid}", "k1"],
    ["{.nothing.here}", ""],
    ['{"{"}', "{"],
    ["", JSON.stringify(one)],
  ])("%s", (template, text) => expect(rendered(template, one)).toBe(text));

  test.each<[template: string, text: string]>([
    ["{.items[*].metadata.name}", "gateway mobile"],
    [
      '{range .items[*]}{.metadata.name}={.status.activeKid}{"\\t"}{.kind}{$.kind}{"\\n"}{end}',
      "gateway=k1\tList\nmobile=k2\tList\n",
    ],
    ["{range .items[*]}{range .status.conditions[*]}{.type},{end};{end}", "Ready,Pinned,;Ready,Pinned,;"],
  ])("of a list %s", (template, text) => expect(rendered(template, list)).toBe(text));
});

describe("templateIn says what is wrong with", () => {
  test.each<[template: string, problem: string]>([
    ["{.status", "must close each brace"],
    ["{range .items[*]}{.a}", "must close each {range …} with {end}"],
    ["{.a}{end}", "must have a {range …} before {end}"],
    ["{.items[}", "must have paths such as {.status.activeKid}, has {.items[}"],
    ["{.items[?(@.a==]}", "must have paths such as {.status.activeKid}, has {.items[?(@.a==]}"],
  ])("%s", (template, problem) => expect(templateIn(template)).toEqual({ problem }));
});
