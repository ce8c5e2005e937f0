import { describe, expect, it } from "vitest";
import { keepEdits } from "../../src/inject/edits.ts";

const put = {
  image: "keyturn:1",
  args: ["gateway", "--listen=:8080", "--mint-listen=127.0.0.1:8081"],
  resources: { requests: { cpu: "10m" }, limits: { memory: "192Mi" } },
  env: [{ name: "A", value: "1" }],
  volumeMounts: [
    { name: "keys", mountPath: "/keys" },
    { name: "token", mountPath: "/token" },
  ],
  securityContext: { runAsUser: 65532, capabilities: { drop: ["ALL"] } },
};

/** What stands there after a run that puts `now`, where somebody has made `found` of it. */
const after = (found: object, now: object = put) => keepEdits({ put, found, now });

describe("keepEdits", () => {
  it("puts what is new where nothing was edited", () => {
    const now = { ...put, image: "keyturn:2", args: ["gateway", "--listen=:8089"] };
    expect(after(put, now)).toEqual({ value: now, hidden: [] });
  });

  it("keeps what is changed, added and taken away, whatever is new beside it", () => {
    const found = {
      ...put,
      imagePullPolicy: "Always",
      resources: { requests: { cpu: "1" }, limits: { memory: "192Mi" } },
      env: [...put.env, { name: "B", value: "2" }],
      volumeMounts: [...put.volumeMounts, { name: "keys", mountPath: "/more" }],
      securityContext: { capabilities: { drop: ["ALL"] } },
    };
    const now = {
      ...put,
      image: "keyturn:2",
      resources: { requests: { cpu: "10m" }, limits: { memory: "256Mi" } },
      env: [{ name: "A", value: "new" }],
    };
    expect(after(found, now)).toEqual({
      value: {
        ...found,
        image: "keyturn:2",
        resources: { requests: { cpu: "1" }, limits: { memory: "256Mi" } },
        env: [
          { name: "A", value: "new" },
          { name: "B", value: "2" },
        ],
      },
      hidden: [],
    });
  });

  it("tells flags apart by their names, in one word or two, and as often as they are there", () => {
    const args = [
      "gateway",
      "--listen=:8080",
      "--mint-listen=127.0.0.1:9999",
      "--log-level",
      "debug",
      "--x=1",
      "--x=2",
    ];
    const now = { ...put, args: ["gateway", "--listen=:8089", "--mint-listen=127.0.0.1:8081"] };
    expect(after({ ...put, args }, now).value).toMatchObject({
      args: ["gateway", "--listen=:8089", ...args.slice(2)],
    });
  });

  it("leaves the order of what is the same", () => {
    const args = ["gateway", "--log-level=debug", "--mint-listen=127.0.0.1:8081", "--listen=:8080"];
    expect(after({ ...put, args }).value).toMatchObject({ args });
  });

  it("takes away what is put no more, edited or not", () => {
    const now = { ...put, args: ["gateway", "--listen=:8080"], resources: undefined };
    const found = { ...put, args: ["gateway", "--listen=:8080", "--mint-listen=:1"], resources: { limits: {} } };
    const { value } = after(found, now);
    expect(value).toEqual({ ...put, args: now.args, resources: undefined });
  });

  it("says where an edit hides something new, and nothing else", () => {
    const found = { ...put, image: "mirror:1", resources: { ...put.resources, limits: { memory: "1Gi" } } };
    expect(after(found).hidden).toEqual([]);
    const now = { ...put, resources: { ...put.resources, limits: { memory: "256Mi" } } };
    expect(after(found, now)).toEqual({ value: found, hidden: ["resources.limits.memory"] });
    // Both say the same
    expect(after({ ...put, image: "keyturn:2" }, { ...put, image: "keyturn:2" }).hidden).toEqual([]);
  });

  it("takes lists whose items can't be told apart for one value", () => {
    const found = { ...put, securityContext: { runAsUser: 65532, capabilities: { drop: ["ALL", "x"] } } };
    expect(after(found).value).toEqual(found);
    const twice = { ...put, env: [put.env[0], put.env[0]] };
    expect(after(twice).value).toEqual(twice);
  });
});
