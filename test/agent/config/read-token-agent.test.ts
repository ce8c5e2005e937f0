import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { IdentitySpec } from "../../../src/agent/agent-spec.ts";
import { parseRegistered } from "../../../src/agent/config/read-identity.ts";
import { parseTokenAgent } from "../../../src/agent/config/read-token-agent.ts";
import { writtenRegistered } from "../../../src/agent/config/write-registered.ts";
import { agentFileWith, agentWith, identityWith, issuer, problemsIn, problemsOf } from "./files.ts";

const ofIdentity = (more: object): readonly string[] => problemsIn({ identities: [identityWith(more)] });
const identityOf = (more: object = {}): IdentitySpec | undefined =>
  agentWith({ identities: [identityWith(more)] }).identities[0];

const url = new URL(issuer.url);

describe("parseTokenAgent", () => {
  test("the example is a good one", () => {
    const text = readFileSync(new URL("../../../examples/agent/tokenagent.yaml", import.meta.url), "utf8");
    const { identities, proxies } = parseTokenAgent(parse(text), "/etc/agent");
    expect(identities.map(({ name, keep, source }) => [name, keep, source.kind])).toEqual([
      ["orders", "always", "tokenFile"],
      ["reports", "always", "clientSecret"],
      ["cleanup", "onUse", "refreshTokenFile"],
      ["internal", "always", "mintSocket"],
    ]);
    expect(proxies).toEqual([
      {
        listen: { kind: "tcp", host: "127.0.0.1", port: 8081 },
        upstream: new URL("https://orders.example"),
        identity: "orders",
      },
    ]);
  });

  test("that of a machine with systemd is a good one, too", () => {
    const text = readFileSync(new URL("../../../examples/agent/agent.yaml", import.meta.url), "utf8");
    expect(parseTokenAgent(parse(text), "/etc/keyturn").identities).not.toEqual([]);
  });

  test("fills in every default", () =>
    expect(agentWith({ identities: [identityWith()] })).toEqual({
      issuer: { url },
      identities: [
        {
          name: "orders",
          source: { kind: "tokenFile", issuer: { url }, path: "/etc/agent/token" },
          request: { audiences: [], scopes: [] },
          keep: "always",
          sinks: [],
        },
      ],
      proxies: [],
      sockets: [],
    }));

  test("nobody in it is a file, too: identities may be registered", () =>
    expect(agentWith({})).toEqual({ issuer: { url }, identities: [], proxies: [], sockets: [] }));

  test("an identity's own issuer is in the place of that of all, as a whole", () => {
    const own = { url: "https://other.example/tenant" };
    const read = agentWith({ issuer: { ...issuer, caFile: "ca.crt" }, identities: [identityWith({ issuer: own })] });
    expect(read.issuer).toEqual({ url, caFile: "/etc/agent/ca.crt" });
    expect(read.identities[0]?.source).toMatchObject({ issuer: { url: new URL(own.url) } });
    expect(read.identities[0]?.source).not.toHaveProperty("issuer.caFile");
  });

  test.each<[source: object, read: object]>([
    [{ tokenFile: "/t" }, { kind: "tokenFile", issuer: { url }, path: "/t" }],
    [{ refreshTokenFile: "t" }, { kind: "refreshTokenFile", issuer: { url }, path: "/etc/agent/t" }],
    [
      { clientSecret: { clientID: "a client", secretFile: "../s" } },
      { kind: "clientSecret", issuer: { url }, clientId: "a client", secretFile: "/etc/s" },
    ],
    [
      { mintSocket: { path: "/run/mint.sock", subject: "alice" } },
      { kind: "mintSocket", path: "/run/mint.sock", subject: "alice" },
    ],
  ])("tokens from %o", (source, read) => expect(identityOf({ source })?.source).toEqual(read));

  test.each<[sink: object, read: object]>([
    [{ file: { path: "t" } }, { kind: "file", path: "/etc/agent/t", format: "token", mode: 0o600 }],
    [
      { file: { path: "/t", format: "JSON", mode: "0640", group: "www-data" } },
      { kind: "file", path: "/t", format: "json", mode: 0o640, group: "www-data" },
    ],
    [
      { file: { path: "/t", format: "Header", group: 2000 } },
      { kind: "file", path: "/t", format: "header", mode: 0o600, group: "2000" },
    ],
    [{ directory: { path: "/d", mode: "0444" } }, { kind: "directory", path: "/d", mode: 0o444 }],
  ])("written to %o", (sink, read) => expect(identityOf({ sinks: [sink] })?.sinks).toEqual([read]));

  test.each<[notify: object, read: object]>([
    [
      { signal: { name: "SIGHUP", pidFile: "app.pid" } },
      { kind: "signal", signal: "SIGHUP", pidFile: "/etc/agent/app.pid" },
    ],
    [{ command: ["nginx", "-s", ""] }, { kind: "command", command: ["nginx", "-s", ""] }],
    [{ command: ["./reload"] }, { kind: "command", command: ["/etc/agent/reload"] }],
  ])("told by %o", (notify, read) => expect(identityOf({ notify })?.notify).toEqual(read));

  test("asks for what the file says", () => {
    const request = { audiences: ["b", "a"], scopes: ["x:read"], accessTTL: "15m", refreshTTL: "720h" };
    expect(identityOf({ request })?.request).toEqual({
      audiences: ["b", "a"],
      scopes: ["x:read"],
      accessTtlMs: 900_000,
      refreshTtlMs: 2_592_000_000,
    });
  });

  test("plain HTTP beyond this machine is for who says so", () => {
    const plain = { url: "http://issuer.example", plainHTTP: true };
    const proxy = { listen: "127.0.0.1:1", upstream: "http://api.example", plainHTTP: true, identity: "orders" };
    const read = agentWith({ issuer: plain, identities: [identityWith()], proxies: [proxy] });
    expect(read.issuer).toEqual({ url: new URL(plain.url) });
    expect(read.proxies[0]?.upstream.href).toBe("http://api.example/");
    expect(agentWith({ issuer: { url: "http://127.0.0.1:8080" } }).issuer?.url.port).toBe("8080");
  });
});

const dnsLabel = "must be 1 to 63 of a-z, 0-9 and -, a letter or digit first and last";
const oneSource = "must set exactly one of tokenFile, clientSecret, refreshTokenFile, mintSocket";
const identity = "spec.identities[0]";

describe("parseTokenAgent refuses", () => {
  test.each<[file: object, problems: readonly string[]]>([
    [
      {},
      [
        "apiVersion: must be set, is missing",
        "kind: must be set, is missing",
        "metadata.name: must be set, is missing",
        "spec: must be set, is missing",
      ],
    ],
    [{ ...agentFileWith({}), kind: "TokenIssuer" }, ['kind: must be TokenAgent, is "TokenIssuer"']],
    [{ ...agentFileWith({}), apiVersion: "v1" }, ['apiVersion: must be keyturn.dev/v1alpha1, is "v1"']],
    [{ ...agentFileWith({}), status: {} }, ['unknown field "status"']],
  ])("a file that is %o", (file, problems) => expect(problemsOf(() => parseTokenAgent(file, "/"))).toEqual(problems));

  test.each<[spec: object, ...problems: string[]]>([
    [{ identites: [] }, 'unknown field "spec.identites", did you mean "identities"?'],
    [{ issuer: "https://issuer.example" }, 'spec.issuer: must be an object, is "https://issuer.example"'],
    [{ issuer: {} }, "spec.issuer.url: must be set, is missing"],
    [{ issuer: { url: "issuer" } }, "spec.issuer.url: must be a URL, is another text"],
    [{ issuer: { url: "ftp://x" } }, "spec.issuer.url: must be a URL of https, is another text"],
    [
      { issuer: { url: "http://x" } },
      "spec.issuer.url: must be a URL of https, except on this machine, is another text",
    ],
    [
      { issuer: { url: "https://a:b@x" } },
      "spec.issuer.url: must be a URL without a user and password, is another text",
    ],
    [{ issuer: { url: "https://x/?a" } }, "spec.issuer.url: must be a URL without a query, is another text"],
    [{ issuer: { url: "https://x/#a" } }, "spec.issuer.url: must be a URL without a fragment, is another text"],
    [{ issuer: { ...issuer, ca: "x" } }, 'unknown field "spec.issuer.ca"'],
    [{ issuer: { ...issuer, plainHTTP: "yes" } }, 'spec.issuer.plainHTTP: must be true or false, is "yes"'],
    [
      { issuer: { ...issuer, caFile: "" } },
      'spec.issuer.caFile: must be a text of 1 to 4096 characters without control characters, is ""',
    ],
    [{ identities: {} }, "spec.identities: must be a list, is an object"],
    [
      { identities: [identityWith(), identityWith()] },
      'spec.identities[1].name: must not stand in the list twice, is "orders"',
    ],
    [
      {
        identities: [
          identityWith({ sinks: [{ file: { path: "/t" } }] }),
          identityWith({ name: "b", sinks: [{ directory: { path: "/x/../t" } }] }),
        ],
      },
      'spec.identities[1].sinks[0]: must not stand in the list twice, is "/t"',
    ],
    [{ issuer: null, identities: [identityWith()] }, `${identity}.issuer: must be set, is missing`],
  ])("%o", (spec, ...problems) => expect(problemsIn(spec)).toEqual(problems));

  test.each<[identity: object, ...problems: string[]]>([
    [{ name: undefined }, `${identity}.name: must be set, is missing`],
    [{ name: "Orders" }, `${identity}.name: ${dnsLabel}, is "Orders"`],
    [{ name: "../x" }, `${identity}.name: ${dnsLabel}, is "../x"`],
    [{ name: "a".repeat(64) }, `${identity}.name: ${dnsLabel}, is a text of 64 characters`],
    [{ sink: [] }, `unknown field "${identity}.sink", did you mean "sinks"?`],
    [{ source: undefined }, `${identity}.source: must be set, is missing`],
    [{ source: {} }, `${identity}.source: ${oneSource}, sets none`],
    [{ source: "t" }, `${identity}.source: must be an object, is "t"`],
    [
      { source: { tokenFile: "t", refreshTokenFile: "r" } },
      `${identity}.source: ${oneSource}, sets tokenFile and refreshTokenFile`,
    ],
    [
      { source: { tokenFile: 1 } },
      `${identity}.source.tokenFile: must be a text of 1 to 4096 characters without control characters, in quotes, is 1`,
    ],
    [
      { source: { clientSecret: {} } },
      `${identity}.source.clientSecret.clientID: must be set, is missing`,
      `${identity}.source.clientSecret.secretFile: must be set, is missing`,
    ],
    [
      { source: { clientSecret: { clientID: "a", secretFile: "f", secret: "hidden" } } },
      `unknown field "${identity}.source.clientSecret.secret"`,
    ],
    [{ source: { mintSocket: { path: "/m" } } }, `${identity}.source.mintSocket.subject: must be set, is missing`],
    [
      { issuer, source: { mintSocket: { path: "/m", subject: "a" } } },
      `${identity}.issuer: must not be set with mintSocket, is set`,
    ],
    [
      { source: { mintSocket: { path: "/m", subject: "a" } }, request: { audiences: ["a", "b"], refreshTTL: "1h" } },
      `${identity}.request.refreshTTL: must not be set with mintSocket, which gives no refresh token, is set`,
      `${identity}.request.audiences: must have at most 1 items, has 2`,
    ],
    [
      { request: { audiences: ["a", "a"] } },
      `${identity}.request.audiences[1]: must not stand in the list twice, is "a"`,
    ],
    [
      { request: { scopes: ["a b"] } },
      `${identity}.request.scopes[0]: must be 1 to 255 characters of ASCII without spaces, " and \\, is "a b"`,
    ],
    [
      { request: { accessTTL: "0s" } },
      `${identity}.request.accessTTL: must be whole seconds from 1s to 8760h, written as 1h30m, is "0s"`,
    ],
    [
      { request: { refreshTTL: "2161h" } },
      `${identity}.request.refreshTTL: must be whole seconds from 1s to 2160h, written as 1h30m, is "2161h"`,
    ],
    [{ request: { ttl: "1h" } }, `unknown field "${identity}.request.ttl"`],
    [{ keep: "always" }, `${identity}.keep: must be one of Always, OnUse, is "always"`],
    [
      { keep: "OnUse", sinks: [{ file: { path: "t" } }] },
      `${identity}.keep: must be Always where there are sinks, is "OnUse"`,
    ],
    [{ sinks: [{}] }, `${identity}.sinks[0]: must set exactly one of file, directory, sets none`],
    [{ sinks: [{ file: {} }] }, `${identity}.sinks[0].file.path: must be set, is missing`],
    [
      { sinks: [{ file: { path: "t", format: "token" } }] },
      `${identity}.sinks[0].file.format: must be one of Token, JSON, Header, is "token"`,
    ],
    [
      { sinks: [{ file: { path: "t", mode: 0o640 } }] },
      `${identity}.sinks[0].file.mode: must be four octal digits such as "0640", the owner being one who may read, in quotes, is 416`,
    ],
    [
      { sinks: [{ file: { path: "t", mode: "0040" } }] },
      `${identity}.sinks[0].file.mode: must be four octal digits such as "0640", the owner being one who may read, is "0040"`,
    ],
    [
      { sinks: [{ file: { path: "t", group: "a b" } }] },
      `${identity}.sinks[0].file.group: must be the name or the number of a group, is "a b"`,
    ],
    [
      { sinks: [{ file: { path: "t", group: -1 } }] },
      `${identity}.sinks[0].file.group: must be a whole number from 0 to 4294967294, is -1`,
    ],
    [
      { sinks: [{ directory: { path: "t", format: "JSON" } }] },
      `unknown field "${identity}.sinks[0].directory.format"`,
    ],
    [
      { sinks: Array.from({ length: 17 }, (_, n) => ({ file: { path: `t${n}` } })) },
      `${identity}.sinks: must have at most 16 items, has 17`,
    ],
    [{ notify: {} }, `${identity}.notify: must set exactly one of signal, command, sets none`],
    [
      { notify: { signal: { name: "SIGKILL" } } },
      `${identity}.notify.signal.name: must be one of SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGQUIT, SIGWINCH, is "SIGKILL"`,
      `${identity}.notify.signal.pidFile: must be set, is missing`,
    ],
    [{ notify: { command: [] } }, `${identity}.notify.command: must have at least one item, has none`],
    [{ notify: { command: "reload" } }, `${identity}.notify.command: must be a list, is "reload"`],
    [
      { notify: { command: [""] } },
      `${identity}.notify.command[0]: must be a text of 1 to 4096 characters without control characters, is ""`,
    ],
  ])("an identity with %o", (more, ...problems) => expect(ofIdentity(more)).toEqual(problems));

  test("shows no secret that was put in the wrong place", () => {
    const leak = `ktr_${"x".repeat(60)}`;
    for (const more of [{ source: { tokenFile: [leak] } }, { source: { [leak]: 1 } }, { name: leak }, { keep: leak }])
      expect(ofIdentity(more).join()).not.toContain("xxx");
  });
});

describe("parseRegistered", () => {
  const around = { name: "job-1", dir: "/", issuer: { url, caFile: "/ca.crt" } };
  const problems = (value: unknown, more: object = {}): readonly string[] =>
    problemsOf(() => parseRegistered(value, { ...around, ...more }), "InvalidIdentity");

  test("has the issuer of the file, and the defaults of the file", () =>
    expect(parseRegistered({ source: { tokenFile: "/t" } }, around)).toEqual({
      name: "job-1",
      source: { kind: "tokenFile", issuer: around.issuer, path: "/t" },
      request: { audiences: [], scopes: [] },
      keep: "always",
      sinks: [],
    }));

  test.each<[value: unknown, ...problems: string[]]>([
    [undefined, "the resource: must be set, is missing", "source: must be set, is missing"],
    [[], "the resource: must be an object, is a list"],
    [{ source: { tokenFile: "/t" }, issuer }, 'unknown field "issuer"'],
    [{ source: { tokenFile: "/t" }, notify: { command: ["rm"] } }, 'unknown field "notify"'],
    [{ source: { tokenFile: "/t" }, name: "another" }, 'unknown field "name"'],
  ])("refuses %o", (value, ...expected) => expect(problems(value)).toEqual(expected));

  test("refuses a bad name, and where there is no issuer what needs one", () => {
    expect(problems({ source: { tokenFile: "/t" } }, { name: "A" })).toEqual([`name: ${dnsLabel}, is "A"`]);
    expect(problems({ source: { tokenFile: "/t" } }, { issuer: undefined })).toEqual([
      "spec.issuer of the agent: must be set, is missing",
    ]);
    expect(problems({ source: { mintSocket: { path: "/m", subject: "a" } } }, { issuer: undefined })).toEqual([]);
  });

  const path = fc.stringMatching(/^\/[a-z/]{1,20}$/);
  const text = fc.stringMatching(/^[a-z]{1,10}$/);
  const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
    fc.option(value, { nil: undefined });
  const access = {
    path,
    mode: optional(fc.constantFrom("0600", "0640", "0444", "0777")),
    group: optional(fc.oneof(text, fc.nat())),
  };
  const file = fc.record({ ...access, format: optional(fc.constantFrom("Token", "JSON", "Header")) });
  const registered = fc
    .record({
      source: fc.oneof(
        fc.record({ tokenFile: path }),
        fc.record({ refreshTokenFile: path }),
        fc.record({ clientSecret: fc.record({ clientID: text, secretFile: path }) }),
        fc.record({ mintSocket: fc.record({ path, subject: text }) }),
      ),
      request: optional(
        fc.record({
          audiences: optional(fc.uniqueArray(text, { maxLength: 1 })),
          scopes: optional(fc.uniqueArray(text, { maxLength: 3 })),
          accessTTL: optional(fc.integer({ min: 1, max: 9_000_000 }).map((s) => `${s}s`)),
        }),
      ),
      keep: optional(fc.constantFrom("Always", "OnUse")),
      sinks: fc.array(fc.oneof(fc.record({ file }), fc.record({ directory: fc.record(access) })), { maxLength: 3 }),
    })
    .filter(({ keep, sinks }) => keep !== "OnUse" || sinks.length === 0);

  test("reads what writtenRegistered writes as what it was", () =>
    fc.assert(
      fc.property(registered, (value) => {
        const spec = parseRegistered(value, around);
        const again: unknown = JSON.parse(JSON.stringify(writtenRegistered(spec)));
        expect(parseRegistered(again, around)).toEqual(spec);
      }),
    ));
});
