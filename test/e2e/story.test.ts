import { afterAll, beforeAll, expect, test } from "vitest";
import { secretsIn } from "../support/secrecy/secrets-in.ts";
import { writeDiagnosis, writeReport } from "./report/write.ts";
import { installIssuer, packageChart, runHelm, upgrade } from "./support/helm.ts";
import { names, renewers, replicas, talkers, ways } from "./support/names.ts";
import { appPods, leadingContainer, nodeReady, removePod, rolledOut, sidecarRestarts } from "./support/pods.ts";
import { Recorder } from "./support/recorder.ts";
import {
  acknowledgedWithout,
  holds,
  isAtRest,
  newSigner,
  reaches,
  readStatus,
  rotatedFrom,
} from "./support/rotation.ts";
import { Scene } from "./support/scene.ts";
import { installed, issuing, migrated, onRequest, withRotation } from "./support/values.ts";
import { deployCallers, deployRenewers, deployTalkers, deployWorkload } from "./support/workload.ts";
import type { Counts } from "./workload/counts.ts";

const recorder = new Recorder();
let scene: Scene;
let counts: Counts | undefined;
/** The step that did not end well, or the one that is being played. */
let failed: string | undefined;
const restarts: Record<string, number> = {};
/** The grant of each pod that renews: it has one for the whole story. */
const grants = new Map<string, string>();

beforeAll(async () => {
  scene = await Scene.start();
  return () => scene.stop();
});

afterAll(async () => {
  if (failed !== undefined) await writeDiagnosis(failed, await scene.diagnosis());
  const record = await recorder.record();
  if (counts) await writeReport({ record, counts, restarts, failed, versions: await scene.versions() });
});

/** After each step every replica is asked about every token once more, and nothing may have gone wrong. */
async function look(): Promise<void> {
  Object.assign(restarts, await sidecarRestarts(scene.client));
  counts = await scene.round();
  expect(counts.wrong).toEqual([]);
  // What was on its way to a replica that was taken away got no answer
  const { unreachable } = counts;
  expect(counts.replicas.filter((pod) => unreachable[pod] !== undefined)).toEqual([]);
  expect(Object.entries(restarts).filter(([, count]) => count > 0)).toEqual([]);
  expect(counts.foreignRefusals).toBeGreaterThan(0);
  // No renewal was lost, and nobody had to begin anew
  expect(counts.grants.flatMap(({ refused }) => refused)).toEqual([]);
  for (const { pod, grant } of counts.grants) {
    expect(grants.get(pod) ?? grant).toBe(grant);
    grants.set(pod, grant);
  }
  // Whoever calls by agent or client never heard of a rotation
  await lookAtSessions(counts);
  const since = counts.callers.map(({ way, refused }) => [way, refused.slice(refusedInTheDrill.get(way) ?? 0)]);
  expect(since).toEqual(counts.callers.map(({ way }) => [way, []]));
}

/**
 * How often each way was refused while the signer was being revoked. A gateway that has heard of that a moment before the issuer refuses what
 * the issuer still signs.
 */
const refusedInTheDrill = new Map<string, number>();

/** Clients whose sessions are to go on; those of before can be told by their names. */
let talking = 0;
const talked = async (kid?: string): Promise<unknown> => talking > 0 && scene.talked(kid, talking);
/** Whose session has ended for good. */
let closed: string | undefined;

/** Each message came once, and no session outlived its token by more than the grace. */
async function lookAtSessions({ sessions, replicas: pods }: Counts): Promise<void> {
  expect(sessions).toMatchObject({ twice: [], lost: [] });
  expect(sessions.clients.flatMap(({ twice }) => twice)).toEqual([]);
  expect(sessions.clients.filter(({ ended }) => ended !== "").map(({ instance }) => instance)).toEqual(
    closed === undefined ? [] : [closed],
  );
  for (const pod of pods) {
    const measured = await scene.metrics(pod);
    expect(measured, pod).toMatch(/^keyturn_gateway_sessions_overdue_total 0$/m);
    expect(measured, pod).toMatch(/^keyturn_gateway_sessions_hub_attached 1$/m);
    expect(measured, pod).toMatch(/^keyturn_gateway_sessions_bus_connected 1$/m);
  }
}

let isCalling = false;
/** Who has a token by agent or client calls on, and by now with another key's than this one. */
const called = async (kid?: string): Promise<unknown> => isCalling && scene.called(kid);

/** A step of one story: none is played after one that failed. */
function step(name: string, play: () => Promise<void>): void {
  test(name, async () => {
    if (failed !== undefined) throw new Error(`Cannot go on: the story ended with "${failed}"`);
    failed = name;
    await recorder.step(name, play);
    failed = undefined;
  });
}

const chart = "charts/keyturn";
const activeKid = async (): Promise<string | undefined> => (await readStatus(scene.client)).activeKid;

/** Does something that asks for a rotation, and waits until it is done: the standby of before signs. */
async function rotates(ask: () => Promise<unknown>): Promise<void> {
  const { activeKid: before, keys = [] } = await readStatus(scene.client);
  const standby = keys.find(({ state }) => state === "Prepared")?.kid;
  await ask();
  const after = await rotatedFrom(scene.client, before);
  expect(after.activeKid).toBe(standby);
  await scene.renewed(before);
  await called(before);
  await talked(before);
  await look();
}

let requests = 0;
const annotate = (): Promise<string> =>
  scene.kubectl("annotate", "--overwrite", `jkr/${names.rotation}`, `keyturn.dev/rotate-requested-at=${++requests}`);

step("helm install: the controller runs", async () => {
  await upgrade(scene, chart, installed);
  await scene.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: names.namespace } }]);
  recorder.watch(scene.client);
});

step("helm upgrade with a rotation: it is Ready", async () => {
  await upgrade(scene, chart, withRotation());
  await reaches(scene.client, "Ready", isAtRest);
});

step("an issuer, which signs by the same rotation", () => installIssuer(scene, chart, issuing));

step("three replicas with a gateway each: each one's tokens are accepted by all", async () => {
  await deployWorkload(scene);
  await rolledOut(scene.client);
  await look();
  expect(counts?.replicas).toHaveLength(replicas);
});

step("pods exchange their ServiceAccount's token at the issuer, and renew", async () => {
  await deployRenewers(scene);
  await scene.renewed();
  await look();
  expect(grants.size).toBe(renewers);
});

step(
  "an agent beside applications that know no tokens, or read a file; another keeps its own by the client",
  async () => {
    await deployCallers(scene);
    isCalling = true;
    const { callers } = await scene.called();
    expect(callers.map(({ way }) => way).sort()).toEqual([...ways].sort());
    await look();
  },
);

step("clients with sessions, over gRPC and WebSocket: what they send comes back", async () => {
  await deployTalkers(scene);
  talking = talkers;
  const { sessions } = await scene.talked();
  expect(new Set(sessions.clients.map(({ transport }) => transport))).toEqual(new Set(["gRPC", "WebSocket"]));
  await look();
});

step("first rotation by schedule", () => rotates(async () => undefined));
step("second rotation by schedule", () => rotates(async () => undefined));
step("third rotation by schedule", () => rotates(async () => undefined));

step("helm upgrade: from now on by request alone", async () => {
  await upgrade(scene, chart, withRotation(onRequest));
  await reaches(scene.client, "at rest", isAtRest);
  await look();
});

step("kubectl annotate rotates once", () => rotates(annotate));

step("a replica is replaced", async () => {
  const [pod] = await appPods(scene.client);
  await removePod(scene.client, pod?.metadata.name ?? "");
  await talked();
  await rolledOut(scene.client);
  await talked();
  await look();
});

step("the leading controller is killed in the middle of a rotation: another ends it", () =>
  rotates(async () => {
    const leader = await leadingContainer(scene.client);
    const before = await activeKid();
    const written = newSigner(scene.client, before);
    await annotate();
    await written;
    await scene.node.kill(leader);
  }),
);

step("the kubelet stands still: a key takes over, another is pruned", async () => {
  const before = (await activeKid()) ?? "";
  await scene.node.signal("kubelet", "STOP");
  try {
    await rotates(annotate);
    await reaches(scene.client, "the key before is pruned", ({ keys = [] }) => keys.every(({ kid }) => kid !== before));
  } finally {
    await scene.node.signal("kubelet", "CONT");
  }
  await nodeReady(scene.client);
  await look();
});

step("helm upgrade with rotateOnUpgrade rotates once", () =>
  rotates(() => upgrade(scene, chart, withRotation(onRequest, { rotateOnUpgrade: true }))),
);

step("another algorithm: a key of the new one takes over", async () => {
  const before = await activeKid();
  await upgrade(scene, chart, withRotation(migrated));
  const { keys = [], activeKid: after } = await rotatedFrom(scene.client, before);
  expect(keys.find(({ kid }) => kid === after)?.algorithm).toBe("EdDSA");
  await talked(before);
  await look();
});

step("rollback: the key before it signs again, until the pin is taken away", async () => {
  const { activeKid: newer, keys = [] } = await readStatus(scene.client);
  await scene.keyturn("rollback", names.rotation, "--wait", "--timeout", "2m");
  // The command reads the ring, the status follows it
  const { activeKid: back } = await reaches(scene.client, "pinned", (status) => holds(status, "Pinned"));
  expect(back).not.toBe(newer);
  expect(keys.find(({ kid }) => kid === back)?.algorithm).toBe("ES256");
  await talked(newer);
  await look();
  await scene.keyturn("rollback", names.rotation, "--unpin");
  const { keys: later = [], activeKid: after } = await rotatedFrom(scene.client, back);
  expect(later.find(({ kid }) => kid === after)?.algorithm).toBe("EdDSA");
  await talked(back);
  await look();
});

step("revocation of the signer: its tokens are refused once all have acknowledged", async () => {
  const kid = (await activeKid()) ?? "";
  await scene.tell({ kid, state: "revoking" });
  await scene.keyturn("revoke", kid, names.rotation, "--reason", "a drill");
  await acknowledgedWithout(scene.client, kid);
  await scene.tell({ kid, state: "revoked" });
  await scene.renewed(kid);
  await called(kid);
  // Their sessions were closed, and they are back by themselves
  await talked(kid);
  const { callers } = await scene.round();
  for (const { way, refused } of callers) refusedInTheDrill.set(way, refused.length);
  expect(callers.flatMap(({ refused }) => refused).filter((why) => !why.startsWith("401"))).toEqual([]);
  await look();
  expect(counts?.revokedTokens).toBeGreaterThan(0);
  expect(counts?.revokedRefusedEverywhere).toBeGreaterThan(0);
  await reaches(scene.client, "at rest", isAtRest);
  await look();
});

step("revocation of a grant: the session of its tokens is closed for good", async () => {
  const [first] = (await scene.talked()).sessions.clients;
  closed = first?.instance ?? "";
  const program = ["/usr/local/bin/node", "/app/keyturn.cjs"];
  const revoke = ["grants", "revoke", first?.grant ?? "", "--store=sqlite:/var/lib/keyturn/grants.db"];
  await scene.kubectl("exec", `deployment/${names.issuer}-issuer`, "--", ...program, ...revoke);
  const { sessions } = await scene.ended(closed);
  expect(sessions.clients.find(({ instance }) => instance === closed)?.ended).toBe("Revoked");
  talking--;
  await talked();
  await look();
});

step("another version of the chart: the controller is replaced, and rotates", async () => {
  const later = await packageChart(scene, chart, "99.0.0");
  await upgrade(scene, later, withRotation(migrated, { podAnnotations: { e2e: "later" } }));
  await rotates(annotate);
});

step("helm uninstall: keys, gateways and tokens go on", async () => {
  const before = await scene.round();
  await runHelm(scene, "uninstall", names.release, "--wait");
  for (const object of [`jkr/${names.rotation}`, `secret/${names.rotation}`, `secret/${names.rotation}-ring`])
    await scene.kubectl("get", object);
  await look();
  await scene.renewed();
  await called();
  await talked();
  await look();
  expect(grants.size).toBe(renewers);
  expect(counts?.tokens).toBeGreaterThan(before.tokens);
  // Where a replica takes longer to answer than another one waits (2 s, on a busy machine), whoever sent is told, and sends it again
  for (const { inDoubt } of counts?.sessions.clients ?? []) expect(inDoubt.length).toBeLessThanOrEqual(2);
});

step("no pod of ours has said a token or a key in any line", async () => {
  const logs = await scene.node.run("bash", "-c", "cat /var/log/pods/*/*/*.log*");
  // Of gateways, of the issuer, and of the agent
  for (const line of ["ring taken", "a grant begins", "a new token", "listening for sessions"])
    expect(logs).toContain(line);
  expect(secretsIn(logs)).toEqual([]);
});

step("no process of ours would leave a core dump", async () => {
  // One may have ended meanwhile
  const limits = await scene.node.run(
    "bash",
    "-c",
    "cat $(pgrep -f '/app/[k]eyturn.cjs' | sed 's|.*|/proc/&/limits|') || true",
  );
  const ofCore = [...limits.matchAll(/core file size +(\S+) +(\S+)/g)].map(
    ([, soft, hard]) => `${soft ?? ""} ${hard ?? ""}`,
  );
  expect(ofCore.length).toBeGreaterThanOrEqual(replicas);
  expect(new Set(ofCore)).toEqual(new Set(["0 0"]));
});
