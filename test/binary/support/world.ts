import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Algorithm } from "../../../src/ring/key.ts";
import { serveJwks, type JwksServer } from "../../../hack/demo/jwks-server.ts";
import { Keyturn, save, Standalone } from "./keyturn.ts";
import { pythonWithPyJwt } from "./pyjwt.ts";
import { RingWatch } from "./ring-watch.ts";
import { Traffic } from "./traffic.ts";
import { Verifier } from "./verifier.ts";

const clients = join(import.meta.dirname, "..", "clients");
const issuer = "https://issuer.example";
const audience = "api";

/** The shortest times that the rules allow for tokens of 4 s and caches of 1 s, without a second to spare. */
export const times = { intervalSeconds: 1, propagationSeconds: 1, maxTTLSeconds: 4 };
/** One application takes a new key at once, the other signs with the old one almost as long as it may. */
const signerLagsMs = [0, times.propagationSeconds * 1000 - 100];
const msBetweenTokens = 80;

/** The file that `kubectl apply` takes, too. */
const configText = (algorithm: Algorithm, interval: string): string => `apiVersion: keyturn.dev/v1alpha1
kind: JwtKeyRotation
metadata:
  name: binary-test
spec:
  algorithm: ${algorithm}
${algorithm.startsWith("RS") ? "  rsaModulusBits: 2048\n" : ""}  rotation:
    interval: ${interval}
  propagation:
    minimum: ${times.propagationSeconds}s
  tokens:
    issuer: ${issuer}
    audiences: [${audience}]
    maxTTL: ${times.maxTTLSeconds}s
    clockSkew: 0s
  rotationWindow: ${times.maxTTLSeconds}s
`;

/** Everything that runs: Keyturn on a directory, applications that sign, a JWKS server, two verifiers. */
export class World {
  readonly keyturn: Keyturn;
  readonly dir: string;
  readonly standalone: Standalone;
  readonly #config: string;
  readonly #folder: string;
  readonly #closing: (() => unknown)[] = [];
  watch!: RingWatch;
  traffic!: Traffic;
  verifiers: readonly Verifier[] = [];
  /** Why there is no verifier that is not JavaScript. */
  missing: string | undefined;

  private constructor(keyturn: Keyturn, folder: string) {
    this.keyturn = keyturn;
    this.#folder = folder;
    this.dir = join(folder, "keys");
    this.#config = join(folder, "rotation.yaml");
    this.standalone = new Standalone(keyturn, ["--dir", this.dir, "--config", this.#config]);
  }

  /** @returns a world in which the first ring is published, nobody signs yet, and nothing rotates by itself */
  static async begin(algorithm: Algorithm): Promise<World> {
    const keyturn = await Keyturn.build();
    const world = new World(keyturn, await mkdtemp(join(tmpdir(), "keyturn-world-")));
    await world.configure(algorithm, "0s");
    world.standalone.start();
    world.watch = await RingWatch.over(join(world.dir, "public"), () => world.standalone.health());
    world.#closing.push(() => world.watch.close());
    return world;
  }

  /** Tokens from now on. */
  async startTraffic(): Promise<void> {
    const server: JwksServer = await serveJwks(join(this.dir, "public"));
    const node = process.execPath;
    const script = (name: string, source: string) => [join(clients, name), source, issuer, audience];
    const jose = new Verifier({ name: "jose", caches: true }, [node, ...script("verifier-jose.ts", server.url)]);
    const found = await pythonWithPyJwt();
    if ("missing" in found) this.missing = found.missing;
    const python = (): Verifier[] =>
      "missing" in found
        ? []
        : [
            new Verifier({ name: "PyJWT", caches: false }, [
              found.python,
              ...script("verifier-pyjwt.py", join(this.dir, "public")),
            ]),
          ];
    this.verifiers = [jose, ...python()];
    this.#closing.push(() => server.close(), ...this.verifiers.map((verifier) => () => verifier.end()));
    const signers = signerLagsMs.map((lagMs) =>
      [join(clients, "signer.ts"), join(this.dir, "signer"), lagMs, msBetweenTokens].map(String),
    );
    this.traffic = new Traffic(
      signers.map((signer) => [node, ...signer]),
      this.verifiers,
    );
    await this.traffic.next(() => true);
  }

  /** Edits the config file under the running program. */
  configure(algorithm: Algorithm, interval = `${times.intervalSeconds}s`): Promise<void> {
    return save(this.#config, configText(algorithm, interval));
  }

  /** Runs a command of the real program on the directory, to its end. */
  async command(...args: readonly string[]): Promise<string> {
    return (await this.keyturn.run([...args, "--dir", this.dir])).stdout;
  }

  async end(): Promise<void> {
    await this.standalone.stop();
    for (const close of this.#closing.toReversed()) await close();
    await rm(this.#folder, { recursive: true, force: true });
    await this.keyturn.remove();
  }
}
