import { describe, expect, test, vi } from "vitest";
import { FakeCli } from "../cli/around.ts";
import { tempDir } from "../files/temp.ts";

const says = async (...args: readonly string[]) => {
  const cli = new FakeCli();
  const code = await cli.run("gateway", ...args);
  return [code, cli.io.err.text.split("\n")[0]?.replace("keyturn: error: ", "")];
};

const local = "must be a Unix socket or a loopback address: whoever reaches it is the application";
const origin = "must look like https://app.example";
const size = "must look like 1MiB, from 64KiB to 16GiB";
const named = "must be 1 to 201 of A-Z, a-z, 0-9, ., _ and -, a letter or digit first";

describe("keyturn gateway", () => {
  test.each([
    [["--listen", "8080"], '--listen "8080": must look like :8080, 127.0.0.1:8080 or unix:/path'],
    [["--listen", ":65536"], '--listen ":65536": must look like :8080, 127.0.0.1:8080 or unix:/path'],
    [["--listen", "[::1:80"], '--listen "[::1:80": must look like :8080, 127.0.0.1:8080 or unix:/path'],
    [["--listen", "unix:relative"], '--listen "unix:relative": must look like :8080, 127.0.0.1:8080 or unix:/path'],
    [["--grpc-listen", "9001"], '--grpc-listen "9001": must look like :8080, 127.0.0.1:8080 or unix:/path'],
    [["--claim-headers", "sub"], '--claim-headers "sub": must look like sub=X-Auth-Subject'],
    [["--dir", "/d", "--instance", "../overrides"], `--instance "../overrides": ${named}`],
    [
      ["--dir", "/d", "--instance", "-----BEGIN PRIVATE KEY-----"],
      `--instance what looks like a private key: ${named}`,
    ],
    [["--acks", "maybe"], '--acks "maybe": must be required, off'],
    [["--revocations", "issuer.example"], "--revocations: must be a URL"],
    [["--revocations", "http://issuer.example/v1"], "--revocations: must be a URL of https, except on this machine"],
    [["--revocations", "https://a:b@issuer.example/"], "--revocations: must be a URL without a user and password"],
    [["--revocations-max-age", "29s"], '--revocations-max-age "29s": must be 30s or more'],
    [["--session-listen", "8126"], '--session-listen "8126": must look like :8080, 127.0.0.1:8080 or unix:/path'],
    [["--hub-listen", ":8125"], `--hub-listen ":8125": ${local}`],
    [["--hub-listen", "10.0.0.1:8125"], `--hub-listen "10.0.0.1:8125": ${local}`],
    [
      ["--session-origins", "*"],
      '--session-origins "*": must name each origin: with * any page could open sessions with a token that it has found',
    ],
    [["--session-origins", "https://a.example,b"], '--session-origins "b": must look like https://app.example'],
    [["--session-origins", "https://a.example/"], `--session-origins "https://a.example/": ${origin}`],
    [["--session-origins", "null"], `--session-origins "null": ${origin}`],
    [["--session-grace", "301s"], '--session-grace "301s": must be 0s to 5m'],
    [["--session-keep", "61m"], '--session-keep "61m": must be 0s to 1h'],
    [["--session-heartbeat", "999ms"], '--session-heartbeat "999ms": must be 1s to 5m'],
    [["--session-limit", "0"], '--session-limit "0": must be a whole number from 1 to 1000000'],
    [["--session-limit", "1e3"], '--session-limit "1e3": must be a whole number from 1 to 1000000'],
    [["--session-queue-messages", "10001"], '--session-queue-messages "10001": must be a whole number from 1 to 10000'],
    [["--session-queue-bytes", "63KiB"], `--session-queue-bytes "63KiB": ${size}`],
    [["--session-total-bytes", "1MB"], `--session-total-bytes "1MB": ${size}`],
    [["--cache-entries", "-1"], '--cache-entries "-1": must be a whole number from 0 to 1000000'],
    [["--cache-entries", "1000001"], '--cache-entries "1000001": must be a whole number from 0 to 1000000'],
    [["--drain-timeout", "1"], '--drain-timeout "1": must look like 90m, 1h30m or 45s; it needs a unit: 1s, 1m or 1h'],
    [["--acks", "off", "--mount", "/m", "--admin-listen", "unix:/a"], "--admin-listen: must be a TCP address"],
  ])("refuses %j", async (args, problem) => {
    expect(await says(...args)).toEqual([2, `Cannot use ${problem}`]);
  });

  const [url, tokenFile, client, secretFile] = [
    ["--revocations", "https://issuer.example/v1/revocations"],
    ["--revocations-token-file", "/t"],
    ["--revocations-client", "gateway"],
    ["--revocations-secret-file", "/s"],
  ] as const;
  const either = "either --revocations-token-file, or --revocations-client and --revocations-secret-file";
  test.each([
    [
      [...url],
      "--revocations must have --revocations-token-file, or --revocations-client and --revocations-secret-file",
    ],
    [[...url, ...client], `must have ${either}`],
    [[...url, ...secretFile], `must have ${either}`],
    [[...url, ...tokenFile, ...client, ...secretFile], `must have ${either}`],
    [[...tokenFile], "must have --revocations beside the flags that begin with its name"],
    [["--revocations-ca-file", "/c"], "must have --revocations beside the flags that begin with its name"],
    [["--revocations-max-age", "1m"], "must have --revocations beside the flags that begin with its name"],
  ])("can't hear of revocations with %j", async (args, problem) => {
    expect(await says("--acks", "off", "--mount", "/m", ...args)).toEqual([2, `Cannot run: ${problem}`]);
  });

  const [hub, webSocket] = [
    ["--hub-listen", "127.0.0.1:0"],
    ["--session-listen", "127.0.0.1:0"],
  ] as const;
  const listener = "must have --session-listen or --session-grpc-listen beside";
  test.each([
    [[...webSocket], "must have --hub-listen beside --session-listen and --session-grpc-listen"],
    [["--session-grpc-listen", ":0"], "must have --hub-listen beside --session-listen and --session-grpc-listen"],
    [[...hub], `${listener} --hub-listen`],
    [["--session-grace", "10s"], `${listener} --session-grace`],
    [
      ["--session-grpc-listen", ":0", ...hub, "--session-origins", "https://a.example"],
      "must have --session-listen beside --session-origins, which is for web pages",
    ],
    [
      [...webSocket, ...hub, "--session-queue-bytes", "2MiB", "--session-total-bytes", "1MiB"],
      "--session-queue-bytes must be no more than --session-total-bytes",
    ],
    [
      [...webSocket, ...hub, "--session-bus-prefix", "a"],
      "must have --session-bus beside the flags that begin with its name",
    ],
    [["--session-bus", "nats://127.0.0.1:4222"], `${listener} --session-bus`],
  ])("can't serve sessions with %j", async (args, problem) => {
    expect(await says("--acks", "off", "--mount", "/m", ...args)).toEqual([2, `Cannot run: ${problem}`]);
  });

  test("refuses a directory beside another source", async () => {
    expect(await says("--dir", "/d", "--mount", "/m")).toEqual([
      2,
      "Cannot run: --dir is the whole source, must be without --mount and --object",
    ]);
  });

  test.each([
    [["--acks", "off"], "must have a mount, an object of the API, or both"],
    [
      ["--acks", "off", "--public", "--mount", "/m", "--mint-listen", "127.0.0.1:0"],
      "a gateway with the public ring can't mint: it has no private half",
    ],
  ])("can't run with %j", async (args, problem) => {
    expect(await says(...args)).toEqual([1, `Cannot run the gateway: ${problem}`]);
  });

  test("can't run out of a cluster without saying that nobody waits for it", async () => {
    vi.stubEnv("KUBERNETES_SERVICE_HOST", "");
    const [code, text] = await says("--mount", "/m");
    expect([code, text]).toEqual([1, "Cannot find the API server: KUBERNETES_SERVICE_HOST must be set"]);
  });

  test.each(["0.0.0.0:0", ":0", "[::]:0", "10.0.0.1:0"])("never mints on %s", async (address) => {
    expect(await says("--acks", "off", "--mount", "/m", "--mint-listen", address)).toEqual([
      1,
      "Cannot mint there: must be a Unix socket or a loopback address",
    ]);
  });

  test("refuses a header that HTTP gives a meaning to", async () => {
    const args = ["--acks", "off", "--mount", await tempDir(), "--claim-headers", "sub=Host"];
    expect(await says(...args)).toEqual([1, 'Cannot own header "Host": must not be one that HTTP gives a meaning to']);
  });
});
