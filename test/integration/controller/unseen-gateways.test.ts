import { expect, it, onTestFinished } from "vitest";
import type { RoleRule } from "../support/roles.ts";
import { admin } from "../support/scene.ts";
import { account, controllerRules, holds, makeRotation, makeScene, quick, startController } from "./support/scene.ts";

const scene = await makeScene("unseen");
const role = `/apis/rbac.authorization.k8s.io/v1/namespaces/${scene.namespace}/roles/${account}`;
const slow = { ...quick, propagation: { minimum: "0s" } };

/** Takes the right to see such objects from the controller, until the end of the test or until it is given back. */
async function blind(resource: "pods" | "keyringacks"): Promise<() => Promise<void>> {
  const all = await controllerRules();
  const without = ({ resources, ...rule }: RoleRule): readonly RoleRule[] => {
    const left = resources.filter((one) => one !== resource);
    return left.length === 0 ? [] : [{ ...rule, resources: left }];
  };
  await admin.merge(role, { rules: all.flatMap(without) });
  const give = async (): Promise<void> => {
    await admin.merge(role, { rules: all });
  };
  onTestFinished(give);
  return give;
}

it.each(["pods", "keyringacks"] as const)(
  "a revocation is carried out where %s may not be listed; nothing else is, and nobody is said to have acknowledged it",
  async (resource) => {
    startController(scene);
    const rotation = await makeRotation(scene.namespace, `no-${resource}`, slow);
    const { activeKid = "" } = await rotation.ready();
    const giveBack = await blind(resource);
    await rotation.annotate({ "keyturn.dev/look": "again" });
    const stalled = await rotation.stalled("ApiRefused");
    expect(stalled.activeKid).toBe(activeKid);

    await rotation.edit({ revokedKids: [{ kid: activeKid, reason: "stolen" }] });
    const after = await rotation.reaches("another signer", (status) => status.activeKid !== activeKid);
    expect(after).toMatchObject({ revocations: [{ kid: activeKid, acknowledged: false }] });
    expect(holds(after, "Ready")).toBe(false);
    expect(after.conditions.find(({ type }) => type === "Stalled")?.message).toContain(`list ${resource}`);
    expect(after.gateways).toMatchObject({ waitingFor: ["whoever can't be seen"] });
    expect((await rotation.data("signer"))["keyring.json"]).not.toContain(`"kid":"${activeKid}"`);
    // A standby is made by the ordinary rules
    expect(after.keys.some(({ state }) => state === "Prepared")).toBe(false);

    await giveBack();
    await rotation.annotate({ "keyturn.dev/look": "once more" });
    expect(await rotation.ready()).toMatchObject({ revocations: [{ kid: activeKid, acknowledged: true }] });
    await admin.remove(rotation.path);
  },
  120_000,
);
