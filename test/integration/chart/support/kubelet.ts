import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, inject } from "vitest";
import { kubeConfigText } from "../../../../hack/testcluster/connection.ts";
import type { KubeObject } from "../../../../hack/testcluster/client.ts";
import type { Container, PodSpec } from "../../../chart/support/render.ts";
import { admin, tokenFor } from "../../support/scene.ts";
import { makeFolder, Person } from "../../tools/support/person.ts";

/** What a container of a Job wrote, and how it ended. */
export interface Log {
  readonly pod: string;
  readonly container: string;
  readonly account: string;
  readonly code: number;
  readonly text: string;
}

/**
 * Plays the kubelet, which the cluster has not: what a Deployment makes it says is Running and Ready, and runs nothing; the
 * containers of a Job's pods it runs, in this process, as the very command with the pod's own token. Everything else of a
 * release (Deployments, Jobs, their failures and retries) is the work of the real controllers.
 */
export class PlayedKubelet {
  readonly logs: Log[] = [];
  readonly problems: unknown[] = [];
  readonly #namespace: string;
  readonly #folder: string;
  readonly #seen = new Set<string>();

  private constructor(namespace: string, folder: string) {
    this.#namespace = namespace;
    this.#folder = folder;
  }

  /** Until the end of the file's tests. */
  static async play(namespace: string): Promise<PlayedKubelet> {
    const kubelet = new PlayedKubelet(namespace, await makeFolder());
    const end = new AbortController();
    const ended = kubelet.#watch(end.signal);
    afterAll(async () => {
      end.abort();
      await ended;
    });
    return kubelet;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const running: Promise<void>[] = [];
    while (!signal.aborted) {
      try {
        for await (const { object, type } of admin.watch(`/api/v1/namespaces/${this.#namespace}/pods`, signal))
          running.push(this.#notice(object, type));
      } catch (error) {
        this.#unless(signal, error);
      }
    }
    await Promise.all(running);
  }

  #unless({ aborted }: AbortSignal, error: unknown): void {
    if (!aborted) this.problems.push(error);
  }

  async #notice(pod: KubeObject, type: string): Promise<void> {
    const uid = String(pod.metadata.uid);
    if (type === "DELETED" || "deletionTimestamp" in pod.metadata || this.#seen.has(uid)) return;
    this.#seen.add(uid);
    try {
      await this.#start(pod);
    } catch (error) {
      this.problems.push(error);
    }
  }

  async #start(pod: KubeObject): Promise<void> {
    const { containers, serviceAccountName } = pod["spec"] as PodSpec;
    const startedAt = new Date().toISOString();
    const isReady = { type: "Ready", status: "True", lastTransitionTime: startedAt };
    const running = containers.map((one) => status(one, { running: { startedAt } }));
    await this.#say(pod, { phase: "Running", startTime: startedAt, conditions: [isReady], containerStatuses: running });
    if (pod.metadata.labels?.["batch.kubernetes.io/job-name"] === undefined) return;
    const person = await this.#personIn(pod, serviceAccountName);
    const ended = await Promise.all(
      containers.map(async (container) => {
        const { code, out, err } = await person.keyturn(container.args.join(" "));
        const text = `${out}${err}`;
        this.logs.push({ pod: pod.metadata.name, container: container.name, account: serviceAccountName, code, text });
        return { container, code };
      }),
    );
    const finishedAt = new Date().toISOString();
    await this.#say(pod, {
      phase: ended.every(({ code }) => code === 0) ? "Succeeded" : "Failed",
      conditions: [{ ...isReady, status: "False" }],
      containerStatuses: ended.map(({ container, code: exitCode }) => {
        const reason = exitCode === 0 ? "Completed" : "Error";
        return status(container, { terminated: { exitCode, reason, startedAt, finishedAt } });
      }),
    });
  }

  async #personIn(pod: KubeObject, account: string): Promise<Person> {
    const { server, ca } = inject("cluster").connection;
    const token = await tokenFor(this.#namespace, account, pod);
    const file = join(this.#folder, `${pod.metadata.name}.kubeconfig`);
    await writeFile(file, kubeConfigText({ server, token, ...(ca !== undefined && { ca }) }), { mode: 0o600 });
    return new Person(file);
  }

  async #say({ metadata }: KubeObject, status: object): Promise<void> {
    await admin.merge(`/api/v1/namespaces/${this.#namespace}/pods/${metadata.name}/status`, { status });
  }
}

const status = ({ name, image }: Container, state: object): object => ({
  ...{ name, image, imageID: "", restartCount: 0, ready: "running" in state, started: true, state },
});
