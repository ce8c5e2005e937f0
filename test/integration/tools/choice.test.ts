import { expect, it } from "vitest";
import { makeRotation, makeScene, startController } from "../controller/support/scene.ts";
import { admin, makeNamespace } from "../support/scene.ts";
import { administrator, makePerson } from "./support/person.ts";

const scene = await makeScene("choice");
const { namespace } = scene;
const empty = await makeNamespace("choice-empty");
const nobody = await makePerson(namespace, "nobody", []);

it("the only rotation of a namespace needs no name, one of several does", async () => {
  startController(scene);
  await makeRotation(namespace, "gateway");
  const keyturn = (args: string) => administrator.keyturn(`${args} -n ${namespace}`);
  expect(await keyturn("wait --for=Ready --timeout 1m")).toMatchObject({ code: 0 });
  expect((await keyturn("status")).out).toMatch(new RegExp(`^${namespace}/gateway  context `));

  const mobile = await makeRotation(namespace, "mobile");
  await mobile.ready();
  expect(await keyturn("rotate")).toEqual({
    code: 2,
    out: "",
    err: `keyturn: error: Cannot tell which rotation is meant: must be named, namespace "${namespace}" has gateway, mobile\nkeyturn: hint: --help shows examples\n`,
  });
  const table = (await keyturn("status")).out.split("\n");
  expect(table[0]).toMatch(/^NAME +STATE +SIGNER /);
  expect(table[1]).toMatch(/^gateway +ready /);
  expect(table[2]).toMatch(/^mobile +ready /);
  const { items } = JSON.parse((await keyturn("status -o json")).out) as { items: readonly object[] };
  expect(items).toMatchObject([{ metadata: { name: "gateway" } }, { metadata: { name: "mobile" } }]);
  expect((await keyturn("status -o name")).out).toBe(
    "jwtkeyrotation.keyturn.dev/gateway\njwtkeyrotation.keyturn.dev/mobile\n",
  );
  const template = "jsonpath={range\t.items[*]}{.metadata.name}={.status.conditions[?(@.type=='Ready')].status},{end}";
  expect((await keyturn(`status -o ${template}`)).out).toBe("gateway=True,mobile=True,");
  const watching = administrator.start(`status --watch -n ${namespace}`);
  await watching.shows("mobile");
  const { activeKid: before } = await mobile.status();
  await administrator.keyturn(`rotate jkr/mobile -n ${namespace}`);
  const { activeKid = "" } = await mobile.reaches("rotated", (now) => now.activeKid !== before);
  await watching.shows(activeKid.slice(0, 8));
  watching.interrupt();
  expect(await watching.ended).toMatchObject({ code: 0, err: "" });

  const everywhere = (await administrator.keyturn("status -A")).out;
  expect(everywhere).toMatch(/^NAMESPACE +NAME /);
  expect(everywhere).toMatch(new RegExp(`^${namespace} +mobile +ready `, "m"));
});

it.each([
  [
    "a name that nobody has",
    "status nope",
    /Cannot find jwtkeyrotations "[^"]+\/nope": is not there; namespace "[^"]+" has /,
  ],
  ["a context that nobody has", "status --context nope", /must have the context "nope", has keyturn-test$/m],
  [
    "a kubeconfig that is not there",
    "status --kubeconfig /nowhere",
    /Cannot use the kubeconfig "\/nowhere": is not there/,
  ],
])("%s: the error says what there is", async (_, args, error) => {
  const { code, err, out } = await administrator.keyturn(`${args} -n ${namespace}`);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(error);
  expect(err).toContain("keyturn: hint: ");
});

it("a namespace without a rotation is no failure to look at, and one to act on", async () => {
  expect(await administrator.keyturn(`status -n ${empty}`)).toMatchObject({ code: 0, out: "" });
  const { code, err } = await administrator.keyturn(`rotate -n ${empty}`);
  expect(code).toBe(1);
  expect(err).toContain(`Cannot find a JwtKeyRotation: namespace "${empty}" has none`);
});

it("a directory and a cluster at once are neither", async () => {
  for (const args of ["gateway", "-n shop", "--context dev", "--kubeconfig /k", "-A"]) {
    const { code, err } = await administrator.keyturn(`status --dir /tmp ${args}`);
    expect(code).toBe(2);
    expect(err).toContain('Cannot use --dir "/tmp" (or KEYTURN_DIR) with ');
  }
  expect(await administrator.keyturn("status gateway -A")).toMatchObject({ code: 2 });
});

it("who may do nothing is told what it would take, with verb and resource", async () => {
  const cases = [
    ["status gateway", "must be allowed to get jwtkeyrotations.keyturn.dev"],
    ["status", "must be allowed to list jwtkeyrotations.keyturn.dev"],
  ] as const;
  for (const [args, error] of cases) {
    const { code, err } = await nobody.keyturn(`${args} -n ${namespace}`);
    expect(code).toBe(1);
    expect(err).toContain(
      `${error} in namespace "${namespace}", user "system:serviceaccount:${namespace}:nobody" is not`,
    );
  }
  expect((await nobody.keyturn("status -A")).err).toContain("jwtkeyrotations.keyturn.dev in all namespaces, user ");
});

it("somebody else may be asked as, with flags before the command", async () => {
  const asked = (flags: string) => administrator.keyturn(`-n ${namespace} ${flags} status gateway`);
  expect((await asked("--as anna")).err).toContain('user "anna" is not');
  expect(await asked("--as anna --as-group system:masters")).toMatchObject({ code: 0 });
  expect((await asked("--as-group system:masters")).err).toContain("Cannot use --as-group: must stand with --as");
});

it("those with a label are shown, and no other", async () => {
  const rotation = await makeRotation(namespace, "labelled");
  await admin.merge(rotation.path, { metadata: { labels: { team: "shop" } } });
  const { out } = await administrator.keyturn(`status -l team=shop -n ${namespace} -o name`);
  expect(out).toBe("jwtkeyrotation.keyturn.dev/labelled\n");
  const none = await administrator.keyturn(`status -l team=none -n ${namespace}`);
  expect(none).toMatchObject({ code: 0, err: expect.stringContaining("No JwtKeyRotation with team=none") as string });
  expect((await administrator.keyturn(`status -l ??? -n ${namespace}`)).code).toBe(1);
});

it("an API server that is not there is said soon, and with its reason", async () => {
  const { code, err } = await nobody.keyturn("status --kubeconfig /dev/null");
  expect(code).toBe(1);
  expect(err).toContain('Cannot use the kubeconfig "/dev/null": ');
});
