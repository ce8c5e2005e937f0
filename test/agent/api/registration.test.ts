import { describe, expect, test } from "vitest";
import type { IdentitySpec, SourceSpec } from "../../../src/agent/agent-spec.ts";
import { checkRegistration } from "../../../src/agent/api/registration.ts";
import { identitySpec } from "../support/memory-identities.ts";

const issuer = { url: new URL("https://issuer.example/") };
const tokenFile = (path: string): SourceSpec => ({ kind: "tokenFile", issuer, path });
const sound = identitySpec("a", {
  source: tokenFile("/run/agents/a/token"),
  sinks: [
    { kind: "file", path: "/run/agents/a/out", format: "token", mode: 0o600 },
    { kind: "directory", path: "/run/agents/b", mode: 0o600 },
  ],
});

const check = (more: Partial<IdentitySpec>) => () => checkRegistration({ ...sound, ...more }, "/run/agents");

describe("checkRegistration", () => {
  test.each<SourceSpec>([
    tokenFile("/run/agents/token"),
    { kind: "refreshTokenFile", issuer, path: "/run/agents/a" },
    { kind: "clientSecret", issuer, clientId: "ci", secretFile: "/run/agents/a" },
    { kind: "mintSocket", path: "/run/agents/mint.sock", subject: "x" },
  ])("takes what lies below the directory: $kind", (source) => {
    expect(check({ source })).not.toThrow();
  });

  test.each([
    "/etc/shadow",
    "/run/agents",
    "/run/agents/",
    "/run/agents-too/token",
    "/run/agents/../token",
    "/run/agents/./token",
    "/run/agents//token",
    "/run/agents/a/",
    "run/agents/token",
    "",
  ])("refuses the file %j", (path) => {
    const refusal = /^Cannot register the identity: .+ must lie below "\/run\/agents"$/;
    expect(check({ source: tokenFile(path) })).toThrow(refusal);
    expect(check({ source: { kind: "clientSecret", issuer, clientId: "ci", secretFile: path } })).toThrow(refusal);
    expect(check({ source: { kind: "mintSocket", path, subject: "x" } })).toThrow(refusal);
    expect(check({ sinks: [...sound.sinks, { kind: "file", path, format: "token", mode: 0o600 }] })).toThrow(refusal);
    expect(check({ sinks: [{ kind: "directory", path, mode: 0o600 }] })).toThrow(refusal);
  });
});
