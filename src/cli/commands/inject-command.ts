import { Argument, type Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { line } from "../../tools/text/screen.ts";
import { commandOf } from "../flags.ts";
import { type InjectFlags, injectFlags, mustAskForSomething } from "../inject-flags.ts";
import { manifestFiles } from "../manifest-files.ts";
import { UsageError } from "../report-error.ts";
import type { PortsByFlag } from "../../inject/native-sidecar.ts";
import type { Cli } from "../surroundings.ts";

export function injectCommand(cli: Cli): Command {
  return commandOf({
    name: "inject",
    summary: "put the gateway, or the agent, beside the application of a Deployment",
    details:
      "Prints the manifest with a native sidecar in each of its workloads: with --rotation the gateway, the label that has it waited for, and the\nrights of its service account; with --agent the agent, and where the application finds it. Injecting again brings up to date what was\ninjected, keeps what somebody has edited in it, and takes away the one that is not asked for. A workload with the annotation\nkeyturn.dev/inject: disabled gets none. Nothing is applied.",
    arguments: [
      new Argument(
        "[flags...]",
        "after --: flags of keyturn gateway, or of keyturn agent; of both with -- between them",
      ),
    ],
    flags: injectFlags(),
    examples: [
      [
        "Beside an application that mints, too",
        "keyturn inject -f deploy.yaml --rotation orders -- --mint-listen=127.0.0.1:8081 | kubectl apply -f -",
      ],
      ["One that verifies alone", "keyturn inject -f deploy.yaml --rotation orders --public --port 8089"],
      [
        "One that hears of revoked tokens",
        "keyturn inject -f deploy.yaml --rotation orders -- --revocations=https://issuer.example/v1/revocations",
      ],
      [
        "One with sessions, of which several pods know by NATS",
        "keyturn inject -f deploy.yaml --rotation orders --sessions --session-bus-secret nats -- --session-bus=nats://nats:4222",
      ],
      [
        "Beside an application that knows no tokens",
        "keyturn inject -f deploy.yaml --agent -- --issuer=https://tokens.example --proxy-listen=127.0.0.1:8082 --upstream=https://api.example",
      ],
      [
        "On OpenShift, for all of a directory but its jobs",
        "keyturn inject -f deploy/ --skip Job --rotation orders --no-run-as-user | oc apply -f -",
      ],
      [
        "Gateway and agent",
        "keyturn inject -f deploy.yaml --rotation orders --agent -- --mint-listen=127.0.0.1:8081 -- --issuer=https://tokens.example",
      ],
    ],
  }).action((flags: readonly string[], given: InjectFlags) => runCommand(cli, flags, given));
}

async function runCommand(cli: Cli, flags: readonly string[], given: InjectFlags): Promise<void> {
  mustAskForSomething(given);
  const { rotation, agent: wantsAgent, namespace, imagePullSecrets } = given;
  const [{ inject }, { gatewaySidecarOf }, { agentSidecarOf }] = await Promise.all([
    import("../../inject/inject.ts"),
    import("../injecting-gateway.ts"),
    import("../injecting-agent.ts"),
  ]);
  const ofSidecars = partedFlags(flags, given);
  const gateway = rotation !== undefined && (await gatewaySidecarOf(cli, { ...given, rotation }, ofSidecars.gateway));
  const agent = wantsAgent === true && (await agentSidecarOf(cli, given, ofSidecars.agent));
  mustDiffer([gateway && gateway.ports, gateway && gateway.sessions?.ports, agent && agent.ports]);
  const { manifest, notes } = inject(await textOf(cli, given), {
    ...(namespace !== undefined && { namespace }),
    ...(gateway && { gateway }),
    ...(agent && { agent }),
    ...(imagePullSecrets && { imagePullSecrets }),
    choice: { ...(given.only && { only: given.only }), ...(given.skip && { skip: given.skip }) },
    mayBeNone: given.allowNone === true,
  });
  for (const note of notes) line(cli.io.err, `keyturn: ${note}`);
  cli.io.out.write(manifest);
  cli.ended(exitCodes.done);
}

/** All manifests, one after the other. */
async function textOf(cli: Cli, { filename, recursive = false }: InjectFlags): Promise<string> {
  const paths = await Promise.all(
    filename.map(async (path) => (path === "-" ? [path] : manifestFiles(path, recursive))),
  );
  const texts: string[] = [];
  for (const path of paths.flat()) texts.push(path === "-" ? await cli.readInput() : await cli.readFile(path));
  return texts.map((text) => (text === "" || text.endsWith("\n") ? text : `${text}\n`)).join("---\n");
}

/** What stands after `--`, by whose it is: first the gateway's, where one is asked for. @throws UsageError */
function partedFlags(flags: readonly string[], { rotation, agent, remove }: InjectFlags) {
  const at = flags.indexOf("--");
  const [first, second] = at < 0 ? [flags, []] : [flags.slice(0, at), flags.slice(at + 1)];
  if (remove === true && flags.length > 0) throw new UsageError("Cannot use flags after --: --remove puts nothing");
  const areBoth = rotation !== undefined && agent === true;
  if (at >= 0 && !areBoth) throw new UsageError("Cannot use a second --: must have --rotation and --agent for it");
  if (areBoth) return { gateway: first, agent: second };
  return rotation === undefined ? { gateway: [], agent: flags } : { gateway: flags, agent: [] };
}

function mustDiffer(groups: readonly (PortsByFlag | false | undefined)[]): void {
  const ports = groups.flatMap((group) => Object.values(group || {}));
  if (new Set(ports).size < ports.length) throw new UsageError("Cannot inject: the ports of the sidecars must differ");
}
