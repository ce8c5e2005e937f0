import { describe, expect, onTestFinished, test } from "vitest";
import type { AgentIdentities, AgentIdentity } from "../../../src/agent/agent-identities.ts";
import type { IdentitySpec } from "../../../src/agent/agent-spec.ts";

export interface IdentitiesUnderTest {
  readonly identities: AgentIdentities;
  /** Also where it may be registered. */
  readonly spec: (name: string) => IdentitySpec;
  /** Lets two seconds pass for the throttle. */
  readonly later: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * What every {@link AgentIdentities} keeps to: that of the agent, and the one in memory. Its issuers answer.
 *
 * @param open - With these in the file
 */
export function describeAgentIdentities(
  of: string,
  open: (inFile: readonly string[]) => Promise<IdentitiesUnderTest>,
): void {
  const opened = async (...inFile: readonly string[]): Promise<IdentitiesUnderTest> => {
    const under = await open(inFile);
    onTestFinished(() => under.close());
    return under;
  };

  describe(`find and all: ${of}`, () => {
    test("show what is in the file, by name", async () => {
      const { identities } = await opened("b", "c", "a");
      expect(identities.all().map(({ spec }) => spec.name)).toEqual(["a", "b", "c"]);
      expect(identities.find("b")?.spec.name).toBe("b");
    });

    test.each(["d", "", "A", "__proto__", "constructor", "a/../a"])("there is no %j", async (name) => {
      const { identities } = await opened("a");
      expect(identities.find(name)).toBeUndefined();
    });
  });

  describe(`an identity: ${of}`, () => {
    test("gives the same token until it is renewed", async () => {
      const { identities } = await opened("a");
      const a = found(identities, "a");
      const token = await a.token();
      expect(await a.token()).toEqual(token);
      expect(token.accessToken).not.toBe("");
    });

    test("gives another one by hand, and that one from then on", async () => {
      const { identities } = await opened("a");
      const a = found(identities, "a");
      const first = await a.token();
      const second = await a.refresh();
      expect(second.tokenId).not.toBe(first.tokenId);
      expect(await a.token()).toEqual(second);
    });

    test("is renewed once for a token that is refused, however many say so", async () => {
      const { identities, later } = await opened("a");
      const a = found(identities, "a");
      const first = await a.token();
      await later();
      const others = await Promise.all([a.refused(first.tokenId), a.refused(first.tokenId)]);
      expect(others[0]?.tokenId).not.toBe(first.tokenId);
      expect(others[1]).toEqual(others[0]);
      expect(await a.refused(first.tokenId)).toEqual(others[0]);
    });

    test("is not renewed for the renewal of another one", async () => {
      const { identities } = await opened("a", "b");
      const [a, b] = [found(identities, "a"), found(identities, "b")];
      const before = await b.token();
      expect((await a.refresh()).accessToken).not.toBe(before.accessToken);
      expect(await b.token()).toEqual(before);
    });

    test("says how it is doing, and nothing secret", async () => {
      const { identities } = await opened("a");
      const a = found(identities, "a");
      const { accessToken, expiresAtMs } = await a.token();
      const status = a.status();
      expect(status).toMatchObject({ name: "a", origin: "file", failures: 0, sinkProblems: [] });
      expect(status.token?.expiresAtMs).toBe(expiresAtMs);
      expect(JSON.stringify(status)).not.toContain(accessToken);
    });
  });

  describe(`register: ${of}`, () => {
    test("one more is there, and gives tokens", async () => {
      const { identities, spec } = await opened("b");
      const a = await identities.register(spec("a"));
      expect((await a.token()).accessToken).not.toBe("");
      expect(found(identities, "a")).toBe(a);
      expect(a.status().origin).toBe("registered");
      expect(identities.all().map((one) => one.spec.name)).toEqual(["a", "b"]);
    });

    test("the same once more changes nothing", async () => {
      const { identities, spec } = await opened();
      const token = await (await identities.register(spec("a"))).refresh();
      expect(await (await identities.register(spec("a"))).token()).toEqual(token);
    });

    test("another one of the name takes its place, and the one before is ended", async () => {
      const { identities, spec } = await opened();
      const before = await identities.register(spec("a"));
      await identities.register({ ...spec("a"), keep: "onUse" });
      expect(found(identities, "a").spec.keep).toBe("onUse");
      await expect(before.token()).rejects.toMatchObject({ code: "Closed" });
    });

    test("a name of the file is taken, also by the same", async () => {
      const { identities, spec } = await opened("a");
      const { keep } = found(identities, "a").spec;
      const token = await found(identities, "a").token();
      await expect(identities.register(spec("a"))).rejects.toMatchObject({ code: "NameTaken" });
      await expect(identities.register({ ...spec("a"), keep: "onUse" })).rejects.toMatchObject({ code: "NameTaken" });
      expect(found(identities, "a").spec.keep).toBe(keep);
      expect(await found(identities, "a").token()).toEqual(token);
    });
  });

  describe(`unregister: ${of}`, () => {
    test("one that was registered is gone, and gives nothing any more", async () => {
      const { identities, spec } = await opened("b");
      const a = await identities.register(spec("a"));
      const { tokenId } = await a.token();
      expect(await identities.unregister("a")).toBe(true);
      expect(identities.find("a")).toBeUndefined();
      expect(identities.all().map((one) => one.spec.name)).toEqual(["b"]);
      await expect(a.token()).rejects.toMatchObject({ code: "Closed" });
      await expect(a.refresh()).rejects.toMatchObject({ code: "Closed" });
      expect(await a.refused(tokenId)).toBeUndefined();
      expect(await identities.unregister("a")).toBe(false);
    });

    test("its name is free again, and begins anew", async () => {
      const { identities, spec } = await opened();
      await identities.register(spec("a"));
      await identities.unregister("a");
      const again = await identities.register(spec("a"));
      expect((await again.token()).accessToken).not.toBe("");
    });

    test("one of the file stays", async () => {
      const { identities } = await opened("a");
      await expect(identities.unregister("a")).rejects.toMatchObject({ code: "InFile" });
      expect((await found(identities, "a").token()).accessToken).not.toBe("");
    });

    test.each(["d", "", "__proto__"])("there is no %j to end", async (name) => {
      const { identities } = await opened("a");
      expect(await identities.unregister(name)).toBe(false);
    });
  });
}

function found(identities: AgentIdentities, name: string): AgentIdentity {
  const identity = identities.find(name);
  if (identity) return identity;
  throw new Error(`no identity ${name}`);
}
