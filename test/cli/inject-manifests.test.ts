import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { manifestFiles } from "../../src/cli/manifest-files.ts";
import { FakeCli } from "./around.ts";

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const pod = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: app, image: a}]}`;

interface Shown {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly initContainers?: readonly { readonly securityContext: object }[] };
  readonly imagePullSecrets?: readonly object[];
}

/** What `keyturn inject` prints of these files. */
async function printed(files: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const cli = new FakeCli();
  for (const [name, text] of Object.entries(files)) cli.files.set(name, text);
  cli.input = pod("piped");
  const code = await cli.run("inject", "--rotation", "orders", ...args);
  const objects = parseAllDocuments(cli.io.out.text).map((document) => document.toJS() as Shown);
  const pods = objects.filter(({ kind }) => kind === "Pod");
  return {
    code,
    err: cli.io.err.text,
    objects,
    pods: pods.map(({ metadata, spec }) => `${metadata.name}${spec?.initContainers ? " +" : ""}`),
    security: pods.map(({ spec }) => spec?.initContainers?.[0]?.securityContext),
  };
}

describe("inject, of manifests", () => {
  const files = { a: pod("a"), b: `${pod("b")}\n` };

  test("takes several, and standard input among them, in the order in which they are named", async () => {
    const { code, pods } = await printed(files, "-f", "b", "-f", "-", "--filename=a");
    expect({ code, pods }).toEqual({ code: 0, pods: ["b +", "piped +", "a +"] });
  });

  test("puts sidecars into those alone that are meant", async () => {
    const both = ["-f", "a", "-f", "b"];
    expect((await printed(files, ...both, "--only", "a", "--only=Pod/c")).pods).toEqual(["a +", "b"]);
    expect((await printed(files, ...both, "--skip", "Pod/a", "--skip=app=c")).pods).toEqual(["a", "b +"]);
  });

  test.each<[readonly string[], string]>([
    [["--only=Secret/a"], "Cannot use --only"],
    [["--skip="], "must be a kind, a name, KIND/NAME or LABEL=VALUE of a workload"],
    [["--image-pull-secrets=a,B"], "must be a name"],
    [["--run-as-user=0"], "must be a whole number from 1 to 2147483647"],
  ])("refuses %j", async (args, why) => {
    const { code, err } = await printed(files, "-f", "a", ...args);
    expect(code).toBe(2);
    expect(err).toContain(why);
  });

  test("refuses what has no workload, but with --allow-none", async () => {
    const text = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n";
    expect(await printed({ s: text }, "-f", "s")).toMatchObject({ code: 1, objects: [] });
    expect(await printed({ s: text }, "-f", "s", "--allow-none")).toMatchObject({
      ...{ code: 0, err: "" },
      objects: [{ kind: "Service" }],
    });
  });

  test("has sidecars run as the image's user, as another one, or as whom the cluster gives them", async () => {
    const { security: standard } = await printed(files, "-f", "a");
    expect(standard).toMatchObject([{ runAsUser: 65_532, runAsGroup: 65_532 }]);
    const { security: other } = await printed(files, "-f", "a", "--run-as-user=1000");
    expect(other).toMatchObject([{ runAsUser: 1000, runAsGroup: 65_532 }]);
    const { security: none } = await printed(files, "-f", "a", "--no-run-as-user");
    expect(Object.keys(none[0] ?? {}).filter((name) => name.startsWith("runAs"))).toEqual(["runAsNonRoot"]);
    vi.stubEnv("KEYTURN_INJECT_NO_RUN_AS_USER", "true");
    expect(await printed(files, "-f", "a")).toMatchObject({ security: none });
  });

  test("gives the accounts that it makes image pull secrets", async () => {
    const { objects } = await printed(files, "-f", "a", "--image-pull-secrets=one, two");
    expect(objects.find(({ kind }) => kind === "ServiceAccount")?.imagePullSecrets).toEqual([
      { name: "one" },
      { name: "two" },
    ]);
  });
});

describe("inject, of a directory", () => {
  let home = "";
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "keyturn-manifests-"));
    await mkdir(join(home, "c", "deep.yaml"), { recursive: true });
    for (const name of ["b.yaml", "a.json", "d.yml", "README.md", "c/e.yaml", "c/deep.yaml/f.yaml"]) {
      await writeFile(join(home, name), "");
    }
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const all = (names: readonly string[]): readonly string[] => names.map((name) => join(home, name));

  test("takes its manifests by their names, and with -R those below it", async () => {
    expect(await manifestFiles(home, false)).toEqual(all(["a.json", "b.yaml", "d.yml"]));
    expect(await manifestFiles(home, true)).toEqual(
      all(["a.json", "b.yaml", "c/deep.yaml/f.yaml", "c/e.yaml", "d.yml"]),
    );
    expect(await manifestFiles(join(home, "README.md"), false)).toEqual(all(["README.md"]));
    expect(await manifestFiles(join(home, "none"), false)).toEqual(all(["none"]));
  });

  test("prints all of them", async () => {
    const files = { [join(home, "b.yaml")]: pod("b"), [join(home, "c/e.yaml")]: pod("e") };
    expect((await printed(files, "-f", home)).pods).toEqual(["b +"]);
    expect((await printed(files, "-R", "-f", home)).pods).toEqual(["e +", "b +"].toReversed());
  });
});

describe("inject refuses what the gateway would refuse", () => {
  test.each<[readonly string[], readonly string[], string]>([
    [[], ["--mint-listen=:8081"], "Cannot mint there: must be a Unix socket or a loopback address"],
    [["--public"], ["--mint-listen=127.0.0.1:8081"], "a gateway with the public ring can't mint"],
    [[], ["--claim-headers=sub=Authorization"], "Cannot own header"],
    [["--sessions"], ["--session-bus=nats://u:p@nats:4222"], "must be nats://HOST:PORT"],
    [
      ["--sessions"],
      ["--session-bus=nats://nats:4222", "--session-bus-prefix=a b"],
      "Cannot use the session bus's prefix",
    ],
    [[], ["--mint-listen=nowhere"], "Cannot use --mint-listen"],
  ])("%j -- %j", async (own, flags, why) => {
    const { code, err } = await printed({ a: pod("a") }, "-f", "a", ...own, "--", ...flags);
    expect({ code, has: err.includes(why), err }).toEqual({ code: 2, has: true, err });
  });
});
