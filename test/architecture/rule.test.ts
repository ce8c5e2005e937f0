import { describe, expect, test } from "vitest";
import { breaches } from "./rule.ts";
import { scan } from "./scan.ts";

const libraries = ["@kubernetes/client-node", "commander", "croner", "jose", "pino", "yaml"];

function check(files: Readonly<Record<string, string>>): string[] {
  return breaches(
    Object.entries(files).map(([file, text]) => scan(file, text)),
    libraries,
  );
}

/** A file that imports each of the specifiers. */
function importing(...specifiers: string[]): string {
  return specifiers.map((specifier, index) => `import * as m${index} from "${specifier}";`).join("\n");
}

describe("breaches of a made-up tree", () => {
  test("are none when every import points downwards", () => {
    expect(
      check({
        "src/ring/key.ts": importing("./ring.ts", "croner"),
        "src/ring/ring.ts": "export const a = new Date(0).getTime();",
        "src/crypto/jwks.ts": importing("../ring/key.ts", "node:crypto"),
        "src/jwt/verifier.ts": importing("../ring/key.ts", "../crypto/jwks.ts", "node:crypto", "node:buffer"),
        "src/kube/transport.ts": importing("node:https"),
        "src/runtime/queue.ts": importing("../kube/transport.ts", "../time/clock.ts"),
        "src/cluster/cluster-store.ts": importing("../runtime/queue.ts", "../keeper/pass.ts"),
        "src/holder/reduce.ts": importing("../crypto/jwks.ts", "../files/read.ts"),
        "src/gateway/mint.ts": importing("../jwt/verifier.ts", "../holder/reduce.ts"),
        "src/issuer/foreign.ts": importing("jose"),
        "src/cli/kubeconfig.ts": importing("@kubernetes/client-node"),
        "src/cli/cluster-access.ts": 'const { endpoint } = await import("./kubeconfig.ts");',
        "src/files/read.ts": "export const pid = process.pid;",
        "src/cli/main.ts": `${importing("../cluster/cluster-store.ts", "../gateway/mint.ts", "commander", "../../package.json")}
          console.log(process.argv, process.env);`,
      }),
    ).toEqual([]);
  });

  test.each([
    ["src/ring/a.ts", "../crypto/b.ts", "may not import ../crypto/b.ts"],
    ["src/ring/a.ts", "node:crypto", "may not import node:crypto: ring is pure"],
    ["src/ring/a.ts", "fs", "may not import fs: ring is pure"],
    ["src/ring/a.ts", "yaml", "may not import yaml: ring is pure"],
    ["src/crypto/a.ts", "../files/b.ts", "may not import ../files/b.ts"],
    ["src/crypto/a.ts", "fs", "must import node:fs by its full name"],
    ["src/jwt/a.ts", "../gateway/b.ts", "may not import ../gateway/b.ts"],
    ["src/jwt/a.ts", "node:fs", "may not import node:fs: jwt is pure"],
    ["src/jwt/a.ts", "jose", "may not import jose: it belongs to issuer"],
    ["src/files/a.ts", "../ring/b.ts", "may not import ../ring/b.ts"],
    ["src/kube/a.ts", "../runtime/b.ts", "may not import ../runtime/b.ts"],
    ["src/kube/a.ts", "@kubernetes/client-node", "must import @kubernetes/client-node on demand, or its types alone"],
    ["src/runtime/a.ts", "../ring/b.ts", "may not import ../ring/b.ts"],
    ["src/controller/a.ts", "../gateway/b.ts", "may not import ../gateway/b.ts"],
    ["src/controller/a.ts", "jose/jwt/sign", "may not import jose: it belongs to issuer"],
    ["src/gateway/a.ts", "../standalone/b.ts", "may not import ../standalone/b.ts"],
    ["src/standalone/a.ts", "../tools/b.ts", "may not import ../tools/b.ts"],
    ["src/sessions/core/a.ts", "../b.ts", "may not import ../b.ts"],
    ["src/sessions/core/a.ts", "../../time/b.ts", "may not import ../../time/b.ts"],
    ["src/sessions/core/a.ts", "node:net", "may not import node:net: sessions/core is pure"],
    ["src/sessions/a.ts", "../gateway/b.ts", "may not import ../gateway/b.ts"],
    ["src/tools/a.ts", "../standalone/b.ts", "may not import ../standalone/b.ts"],
    ["src/tools/a.ts", "commander", "may not import commander: it belongs to cli"],
    ["src/tools/a.ts", "../cli/b.ts", "may not import ../cli/b.ts"],
    ["src/tools/a.ts", "node:process", "may not import node:process: it belongs to cli"],
    ["src/gateway/a.ts", "fast-check", "may not import fast-check: it is no runtime dependency of package.json"],
    ["src/gateway/a.ts", "../../test/b.ts", "may not import ../../test/b.ts"],
  ])("%s that imports %s", (file, specifier, breach) => {
    expect(check({ [file]: importing(specifier) })).toEqual([`${file}: ${breach}`]);
  });

  test.each([
    "import type { A } from '../cli/b.ts';",
    "export * from '../cli/b.ts';",
    "export type { A } from '../cli/b.ts';",
    "export type A = import('../cli/b.ts').A;",
    "export const a = () => import('../cli/b.ts');",
    "const a = require('../cli/b.ts');",
  ])("see every form of import: %s", (text) => {
    expect(check({ "src/kube/a.ts": text })).toEqual(["src/kube/a.ts: may not import ../cli/b.ts"]);
  });

  test("include an import whose specifier is no literal", () => {
    expect(check({ "src/cli/a.ts": "await import(name);" })).toHaveLength(1);
  });

  test.each(["src/keys/a.ts", "src/a.ts"])("include a file in no known folder: %s", (file) => {
    expect(check({ [file]: "" })).toEqual([`${file}: lies in no folder that the dependency rule knows`]);
  });

  test("include a circle of files once, with types as well", () => {
    expect(
      check({
        "src/ring/a.ts": "import type { B } from './b.ts';",
        "src/ring/b.ts": importing("./c.ts"),
        "src/ring/c.ts": importing("./a.ts"),
        "src/ring/d.ts": importing("./a.ts"),
      }),
    ).toEqual(["src/ring/a.ts → src/ring/b.ts → src/ring/c.ts → src/ring/a.ts: circular import"]);
  });
});

describe("gRPC", () => {
  const grpc = "src/gateway/faces/grpc/listener.ts";

  test("is loaded by its own room and by faces that stand on it", () => {
    expect(
      check({
        "src/grpc/server.ts": importing("node:http2"),
        [grpc]: importing("node:http2", "../../../grpc/server.ts"),
      }),
    ).toEqual([]);
    expect(check({ "src/grpc/server.ts": "", "src/gateway/a.ts": importing("../grpc/server.ts") })).toEqual([
      "src/gateway/a.ts: must import ../grpc/server.ts on demand, or its types alone",
    ]);
  });

  test("is loaded by its own folder, which others load on demand or name the types of", () => {
    expect(
      check({
        [grpc]: importing("node:http2", "../address.ts"),
        "src/gateway/faces/grpc/other.ts": importing("./listener.ts"),
        "src/gateway/faces/address.ts": "",
        "src/gateway/a.ts": 'const { b } = await import("./faces/grpc/listener.ts");',
        "src/gateway/c.ts": 'import type { D } from "./faces/grpc/listener.ts";',
      }),
    ).toEqual([]);
  });

  test.each([
    [importing("./faces/grpc/listener.ts"), "./faces/grpc/listener.ts"],
    ['export { a } from "./faces/grpc/listener.ts";', "./faces/grpc/listener.ts"],
    [importing("node:http2"), "node:http2"],
    ['await import("node:http2");', "node:http2"],
  ])("is a breach elsewhere: %s", (text, specifier) => {
    const breach = `src/gateway/a.ts: must import ${specifier} on demand, or its types alone`;
    expect(check({ "src/gateway/a.ts": text })).toEqual([breach]);
  });
});

describe("impure code", () => {
  test.each([
    ["Date.now();", "Date.now"],
    ["new Date();", "new Date()"],
    ["new Date;", "new Date()"],
    ["Date();", "Date()"],
    ["Math.random();", "Math.random"],
    ["crypto.randomUUID();", "crypto.randomUUID"],
    ["globalThis.crypto.randomUUID();", "crypto.randomUUID"],
    ["process.env;", "process.env"],
    ["const { hrtime } = process;", "process"],
    ["const now = Date['now'];", "Date.now"],
    ["console.log(1);", "console.log"],
    ["setTimeout(() => 1, 1);", "setTimeout"],
    ["const sleep = setTimeout;", "setTimeout"],
    ["performance.now();", "performance.now"],
    ["fetch('');", "fetch"],
  ])("in ring is a breach: %s", (text, use) => {
    const expected = `src/ring/a.ts: uses ${use}: ring takes time and chance as arguments`;
    expect(check({ "src/ring/a.ts": text })).toContain(expected);
  });

  test("in a folder of its own within another is a breach", () => {
    const breach = "src/sessions/core/a.ts: uses Date.now: sessions/core takes time and chance as arguments";
    expect(check({ "src/sessions/core/a.ts": "Date.now();" })).toEqual([breach]);
  });

  test("in jwt is a breach too", () => {
    const breach = "src/jwt/a.ts: uses Date.now: jwt takes time and chance as arguments";
    expect(check({ "src/jwt/a.ts": "Date.now();" })).toEqual([breach]);
  });

  test.each([
    "// Date.now() is not used here",
    "export const text = 'process.env';",
    "export const at = new Date(nowMs).toISOString();",
    "interface A { readonly process: string; fetch(): void }",
    "export const process = plan.process({ console: 1 });",
    "type A = Parameters<typeof setTimeoutMs>;",
  ])("in ring is not seen where there is none: %s", (text) => {
    expect(check({ "src/ring/a.ts": text })).toEqual([]);
  });

  test.each([
    ["process.exit(1);", "process.exit"],
    ["process.exitCode = 1;", "process.exitCode"],
    ["process.argv;", "process.argv"],
    ["process.env['HOME'];", "process.env"],
    ["process.on('SIGTERM', stop);", "process.on"],
    ["const { env } = process;", "process"],
    ["console.error('');", "console.error"],
    ["const log = console;", "console"],
  ])("that belongs to cli is a breach elsewhere: %s", (text, use) => {
    expect(check({ "src/tools/a.ts": text })).toEqual([`src/tools/a.ts: uses ${use}: it belongs to cli`]);
    expect(check({ "src/cli/a.ts": text })).toEqual([]);
  });
});
