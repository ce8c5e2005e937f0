import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Address } from "../../../src/http/address.ts";
import { openHub } from "../../../src/sessions/hub/open-hub.ts";
import { HubScene } from "./support/scene.ts";

test("the hub's socket is for its user and its group, and for nobody else", async () => {
  const scene = await HubScene.open();
  expect((await stat(scene.path)).mode & 0o777).toBe(0o660);
});

test.each<Address>([
  { kind: "tcp", port: 0 },
  { kind: "tcp", host: "0.0.0.0", port: 0 },
  { kind: "tcp", host: "192.0.2.1", port: 0 },
])("the hub is not opened to other machines: %o", async (address) => {
  const { hub, gateway } = await HubScene.open();
  await expect(openHub(address, hub, gateway.service)).rejects.toThrow(/must be a Unix socket or a loopback address/);
});
