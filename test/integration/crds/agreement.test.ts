// The same resources, judged by parseRotation and by a real API server that has the CRD. The first two imports run the table
// tests of the parser once more, which puts every row of theirs on the list.
import "../../ring/resource/bounds.test.ts";
import "../../ring/resource/rules.test.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Schema } from "../../../hack/crds/schema.ts";
import { specSchema } from "../../../hack/crds/spec.ts";
import { judged, problemsOf, resource } from "../../ring/resource/resource.ts";
import { admin, makeNamespace } from "../support/scene.ts";
import { disagreements } from "./compare.ts";
import { onCreate, onUpdate, type Verdict } from "./judge.ts";
import { anySpec, oddResources } from "./rows.ts";

const namespace = await makeNamespace("agreement");
const folder = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/jwtkeyrotations`;

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: unknown; readonly namespace?: unknown };
  readonly spec: object;
}

/** As a client would send it; undefined for what no client could send to this address. */
function sendable(value: unknown): Resource | undefined {
  const text = JSON.stringify(value ?? null);
  const { apiVersion, kind, metadata } = (JSON.parse(text) ?? {}) as Partial<Resource>;
  if (apiVersion !== "keyturn.dev/v1alpha1" || kind !== "JwtKeyRotation" || metadata?.namespace !== "edge")
    return undefined;
  // Go reads half a character as U+FFFD, so the server never sees one
  if (/\\ud[89a-f]/i.test(text)) return undefined;
  return JSON.parse(text) as Resource;
}

const inNamespace = (sent: Resource, metadata: object = {}): object => ({
  ...sent,
  metadata: { ...sent.metadata, namespace, ...metadata },
});

/** A server that is busy with other tests answers several requests in the time of one. */
const atOnce = 8;

describe("the API server and parseRotation agree", () => {
  const seen = new Set<string>();

  /** What they disagree on, a line each. */
  async function compare(judge: (sent: Resource) => Promise<Verdict>, rows: readonly Resource[]): Promise<string[]> {
    const waiting = [...rows];
    const wrong: string[] = [];
    const work = async (): Promise<void> => {
      for (let sent = waiting.shift(); sent !== undefined; sent = waiting.shift()) {
        const verdict = await judge(sent);
        for (const { words } of verdict.findings) if (words !== undefined) seen.add(words);
        const start = JSON.stringify(sent).slice(0, 300);
        wrong.push(...disagreements(problemsOf(sent), verdict).map((line) => `${start}: ${line}`));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return wrong;
  }
  /** Judging puts on the list what it judges. */
  let sendables: Resource[] | undefined;
  const rows = (): Resource[] =>
    (sendables ??= [...judged, ...oddResources].map(sendable).filter((sent) => sent !== undefined));

  it("on the creation of every resource of the parser's tables, and of some more", async () => {
    expect(rows().length).toBeGreaterThan(420);
    expect(await compare((sent) => onCreate(folder, inNamespace(sent)), rows())).toEqual([]);
  });

  it("on an update to every one of them", async () => {
    const there = await admin.create(folder, inNamespace(resource() as Resource));
    const { name, resourceVersion } = there.metadata;
    const sent = rows().filter(({ metadata, spec }) => metadata.name === name && !("secretName" in Object(spec)));
    expect(sent.length).toBeGreaterThan(400);
    const judge = (one: Resource) => onUpdate(`${folder}/${name}`, inNamespace(one, { resourceVersion }));
    expect(await compare(judge, sent)).toEqual([]);
  });

  it("on resources with any number of mistakes that have to do with each other", async () => {
    const check = async (spec: object): Promise<void> => {
      const sent = [resource(spec, { name: "anything" }) as Resource];
      expect(await compare((one) => onCreate(folder, inNamespace(one)), sent)).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(anySpec, check), { numRuns: 300 });
  });

  it("with every rule of the CRD having refused something", () => {
    const words = [...seen];
    const unused = rulesOf(specSchema).filter((message) => !words.some((said) => said.startsWith(message)));
    expect(unused).toEqual([]);
  });
});

/** The messages of all rules of a schema, of what is below it, too. */
function rulesOf(schema: Schema): readonly string[] {
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  const own = (schema["x-kubernetes-validations"] ?? []).map(({ message }) => message);
  return [...own, ...below.flatMap((one) => (one === undefined ? [] : rulesOf(one)))];
}
