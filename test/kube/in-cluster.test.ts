import { expect, test } from "vitest";
import { inClusterEndpoint, podNamespace, rereadMs, serviceAccountDir } from "../../src/kube/in-cluster.ts";
import { FakeClock } from "../support/fake-clock.ts";

const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "6443" };

/** A pod's files, which a test changes. */
function pod(files: Record<string, string> = { token: "one\n", "ca.crt": "CA1", namespace: "team\n" }) {
  const reads: string[] = [];
  const readFile = async (path: string): Promise<string> => {
    reads.push(path);
    const text = files[path.replace(`${serviceAccountDir}/`, "")];
    if (text === undefined) throw new Error(`ENOENT ${path}`);
    return text;
  };
  const clock = new FakeClock();
  return { files, reads, clock, options: { env, readFile, clock } };
}

test.each([
  [env, "https://10.0.0.1:6443"],
  [{ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, "https://10.0.0.1:443"],
  [{ ...env, KUBERNETES_SERVICE_HOST: "fd00::1" }, "https://[fd00::1]:6443"],
])("inClusterEndpoint has the server of %o", (given, server) => {
  expect(inClusterEndpoint({ ...pod().options, env: given }).server).toBe(server);
});

test("inClusterEndpoint refuses an environment outside of a cluster", () => {
  expect(() => inClusterEndpoint({ ...pod().options, env: {} })).toThrow(
    expect.objectContaining({ code: "NotInCluster" }),
  );
});

test("inClusterEndpoint reads token and CA again when the minute has passed, not before", async () => {
  const { files, clock, options, reads } = pod();
  const endpoint = inClusterEndpoint(options);
  expect(await endpoint.credentials()).toEqual({ token: "one", tls: { ca: "CA1" } });
  Object.assign(files, { token: "two", "ca.crt": "CA2" });
  await clock.advance(rereadMs - 1);
  expect((await endpoint.credentials()).token).toBe("one");
  await clock.advance(1);
  expect(await endpoint.credentials()).toEqual({ token: "two", tls: { ca: "CA2" } });
  expect(reads).toHaveLength(4);
});

test("inClusterEndpoint reads again at once after a refresh", async () => {
  const { files, options } = pod();
  const endpoint = inClusterEndpoint(options);
  await endpoint.credentials();
  files["token"] = "two";
  endpoint.refresh();
  expect((await endpoint.credentials()).token).toBe("two");
});

test("inClusterEndpoint reads once for all who ask at the same time", async () => {
  const { options, reads } = pod();
  const endpoint = inClusterEndpoint(options);
  await Promise.all([endpoint.credentials(), endpoint.credentials(), endpoint.credentials()]);
  expect(reads).toHaveLength(2);
});

test.each([["missing", undefined] as const, ["empty", ""] as const])(
  "inClusterEndpoint keeps what it has while a file is %s",
  async (_, text) => {
    const { files, options } = pod();
    const endpoint = inClusterEndpoint(options);
    await endpoint.credentials();
    if (text === undefined) delete files["token"];
    else files["token"] = text;
    endpoint.refresh();
    expect((await endpoint.credentials()).token).toBe("one");
  },
);

test("inClusterEndpoint fails while it never had a token", async () => {
  const { files, options } = pod();
  files["token"] = "";
  await expect(inClusterEndpoint(options).credentials()).rejects.toThrow("must not be empty");
});

test("podNamespace is the file's, without its newline", async () => {
  expect(await podNamespace(pod().options)).toBe("team");
});
