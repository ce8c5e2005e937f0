import { describe, expect, test } from "vitest";
import { agentWith, identityWith, problemsIn } from "./files.ts";

const proxyWith = (more: object): object => ({
  identities: [identityWith()],
  proxies: [{ listen: "127.0.0.1:1", upstream: "https://api.example", identity: "orders", ...more }],
});

const socketWith = (more: object): object => ({
  identities: [identityWith()],
  sockets: [{ listen: "unix:/run/orders.sock", identity: "orders", ...more }],
});

describe("where applications come to", () => {
  test.each<[listen: string, read: object]>([
    ["unix:/run/p.sock", { kind: "unix", path: "/run/p.sock" }],
    ["[::1]:81", { kind: "tcp", host: "::1", port: 81 }],
    ["localhost:81", { kind: "tcp", host: "localhost", port: 81 }],
  ])("a proxy at %s", (listen, read) => {
    const proxy = { listen, upstream: "https://api.example/base", caFile: "ca.crt", identity: "orders" };
    expect(agentWith({ identities: [identityWith()], proxies: [proxy] }).proxies).toEqual([
      { listen: read, upstream: new URL(proxy.upstream), caFile: "/etc/agent/ca.crt", identity: "orders" },
    ]);
  });

  test.each([
    ["Refuse", "refuse"],
    ["Replace", "replace"],
  ])("a proxy's authorization: %s", (authorization, read) => {
    const [proxy] = agentWith(proxyWith({ authorization })).proxies;
    expect(proxy?.authorization).toBe(read);
  });

  test.each<[more: object, read: object]>([
    [{}, { mode: 0o660 }],
    [
      { mode: "0600", group: 2000 },
      { mode: 0o600, group: "2000" },
    ],
    [{ group: "orders" }, { mode: 0o660, group: "orders" }],
  ])("a socket for one identity with %o", (more, read) =>
    expect(agentWith(socketWith(more)).sockets).toEqual([{ path: "/run/orders.sock", identity: "orders", ...read }]),
  );
});

test.each<[spec: object, ...problems: string[]]>([
  [proxyWith({ listen: undefined }), "spec.proxies[0].listen: must be set, is missing"],
  [
    proxyWith({ listen: ":81" }),
    'spec.proxies[0].listen: must be unix:/path, or a loopback address such as 127.0.0.1:8081, is ":81"',
  ],
  [
    proxyWith({ listen: "10.0.0.1:81" }),
    'spec.proxies[0].listen: must be unix:/path, or a loopback address such as 127.0.0.1:8081, is "10.0.0.1:81"',
  ],
  [proxyWith({ authorization: "Pass" }), 'spec.proxies[0].authorization: must be one of Refuse, Replace, is "Pass"'],
  [proxyWith({ upstream: undefined }), "spec.proxies[0].upstream: must be set, is missing"],
  [
    proxyWith({ upstream: "http://api.example" }),
    "spec.proxies[0].upstream: must be a URL of https, except on this machine, is another text",
  ],
  [
    proxyWith({ upstream: "https://api.example/?q=1" }),
    "spec.proxies[0].upstream: must be a URL without a query, is another text",
  ],
  [
    proxyWith({ identity: "other" }),
    'spec.proxies[0].identity: must be the name of an identity of the file, is "other"',
  ],
  [proxyWith({ identity: undefined }), "spec.proxies[0].identity: must be set, is missing"],
  [proxyWith({ path: "/x" }), 'unknown field "spec.proxies[0].path"'],
  [
    {
      identities: [identityWith()],
      proxies: [1, 2].map(() => ({ listen: "unix:/p", upstream: "https://x", identity: "orders" })),
    },
    'spec.proxies[1].listen: must not stand in the list twice, is "unix:/p"',
  ],
  [socketWith({ listen: undefined }), "spec.sockets[0].listen: must be set, is missing"],
  [socketWith({ listen: "127.0.0.1:1" }), 'spec.sockets[0].listen: must be unix:/path, is "127.0.0.1:1"'],
  [socketWith({ listen: "orders.sock" }), 'spec.sockets[0].listen: must be unix:/path, is "orders.sock"'],
  [
    socketWith({ identity: "other" }),
    'spec.sockets[0].identity: must be the name of an identity of the file, is "other"',
  ],
  [
    socketWith({ mode: "0440" }),
    'spec.sockets[0].mode: must be four octal digits such as "0660", the owner being one who may read and write, is "0440"',
  ],
  [socketWith({ group: "a b" }), 'spec.sockets[0].group: must be the name or the number of a group, is "a b"'],
  [socketWith({ only: "x" }), 'unknown field "spec.sockets[0].only"'],
  [
    { ...proxyWith({ listen: "unix:/run/orders.sock" }), ...socketWith({}) },
    'spec.sockets[0].listen: must not stand in the list twice, is "unix:/run/orders.sock"',
  ],
])("refused: %o", (spec, ...problems) => expect(problemsIn(spec)).toEqual(problems));
