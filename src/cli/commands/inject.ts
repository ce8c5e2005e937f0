import { Argument, type Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { line } from "../../tools/screen.ts";
import { UsageError } from "../errors.ts";
import { commandOf, flag, quoted } from "../flags.ts";
import type { Cli } from "../surroundings.ts";

const owner = "inject";

interface InjectFlags {
  readonly filename: string;
  readonly rotation: string;
  readonly secretName?: string;
  readonly namespace?: string;
  readonly public?: boolean;
  readonly image?: string;
  readonly port?: number;
  readonly adminPort?: number;
}

const flags = () => [
  flag("-f, --filename <file>", "the manifest; - reads it from standard input", { owner }).makeOptionMandatory(),
  flag("--rotation <name>", "the JwtKeyRotation", { owner }).makeOptionMandatory(),
  flag("--secret-name <name>", "its spec.secretName", { owner, otherwise: "the rotation's name" }),
  flag("-n, --namespace <name>", "of what is added, where the manifest names none", { owner, otherwise: "default" }),
  flag("--public", "read the public ConfigMap: verify, serve JWKS, never mint", { owner }),
  flag("--image <image>", "of the sidecar", { owner, otherwise: "ghcr.io/keyturn/keyturn of this version" }),
  flag("--port <number>", "forward-auth and JWKS", { owner, parse: port, otherwise: "8080" }),
  flag("--admin-port <number>", "probes and metrics", { owner, parse: port, otherwise: "9090" }),
];

export function injectCommand(cli: Cli): Command {
  return commandOf({
    name: "inject",
    summary: "put the gateway beside the application of a Deployment",
    details:
      "Prints the manifest with the gateway as a native sidecar in each of its workloads, the label that has it waited for, and the rights\nof its service account. Injecting again brings up to date what was injected. Nothing is applied.",
    arguments: [new Argument("[flags...]", "after --: flags of keyturn gateway")],
    flags: flags(),
    examples: [
      [
        "Beside an application that mints, too",
        "keyturn inject -f deploy.yaml --rotation orders -- --mint-listen=127.0.0.1:8081 | kubectl apply -f -",
      ],
      ["One that verifies alone", "keyturn inject -f deploy.yaml --rotation orders --public --port 8089"],
    ],
  }).action(async (gatewayFlags: readonly string[], given: InjectFlags) => {
    const { inject } = await import("../../inject/inject.ts");
    const { filename, rotation, secretName, namespace, image = `ghcr.io/keyturn/keyturn:${cli.version}` } = given;
    const { port = 8080, adminPort = 9090 } = given;
    if (port === adminPort) {
      throw new UsageError(`Cannot use --port ${port} with --admin-port ${adminPort}: must be two ports`);
    }
    const text = filename === "-" ? await cli.readInput() : await cli.readFile(filename);
    const { manifest, notes } = inject(text, {
      ...{ rotation, image, port, adminPort, flags: gatewayFlags },
      ...(secretName !== undefined && { secretName }),
      ...(namespace !== undefined && { namespace }),
      ...(given.public === true && { isPublic: true }),
    });
    for (const note of notes) line(cli.io.err, `keyturn: ${note}`);
    cli.io.out.write(manifest);
    cli.ended(exitCodes.done);
  });
}

function port(text: string, name: string): number {
  const number = Number(text);
  // The image's user may bind no port below
  if (Number.isInteger(number) && number >= 1024 && number <= 65_535) return number;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be a port from 1024 to 65535`);
}
