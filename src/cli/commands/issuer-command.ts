import type { Command } from "commander";
import type { Address } from "../../http/address.ts";
import type { CertificateFiles } from "../../http/certificate.ts";
import { exitCodes } from "../../tools/exit.ts";
import { commandOf, flag } from "../flags.ts";
import { drainFlag, type IssuingFlags, issuingFlags, runIssuing } from "../issuing.ts";
import { address, tcpAddress } from "../listen.ts";
import { logFlags } from "../log-flags.ts";
import { UsageError } from "../report-error.ts";
import { signaturesFlag } from "../signatures-flag.ts";
import { type SourceFlags, sourceFlags, sourcesOf } from "../source-flags.ts";
import type { Cli } from "../surroundings.ts";
import { issuerExplainCommand, issuerHashSecretCommand } from "./caller-commands.ts";

const owner = "issuer";

interface IssuerFlags extends SourceFlags, IssuingFlags {
  readonly config?: string;
  readonly listen?: Address;
  readonly adminListen?: Address;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
}

export function issuerCommand(cli: Cli): Command {
  const command = commandOf({
    name: "issuer",
    summary: "give out access and refresh tokens, signed by the ring",
    details:
      "An authorization server for programs: clients with secrets, and tokens of other issuers that are exchanged.\nIts refresh tokens renew for as long as was asked for, and one that was stolen is found out.\nRuns until SIGTERM or SIGINT. It follows its files, and reads them at once on SIGHUP.",
    flags: [
      flag("-c, --config <file>", "a TokenIssuer, YAML or JSON: who may ask, and for what", { owner }),
      ...sourceFlags(owner),
      ...issuingFlags(),
      flag("--listen <address>", "the API: OAuth, JSON, JWKS, revocations", {
        owner,
        parse: address,
        otherwise: ":8080",
      }),
      flag("--tls-cert-file <file>", "its certificate chain, PEM, followed as it is renewed", {
        owner,
        otherwise: "HTTP in clear text",
      }),
      flag("--tls-key-file <file>", "the private key of that", { owner }),
      flag("--admin-listen <address>", "health and metrics", { owner, parse: address, otherwise: ":9090" }),
      drainFlag(),
      signaturesFlag(),
      ...logFlags(),
    ],
    examples: [
      [
        "On the directory of keyturn standalone",
        "keyturn issuer --config issuer.yaml --dir /var/lib/keyturn --store sqlite:/var/lib/keyturn/grants.db",
      ],
      [
        "In a pod, several replicas on one PostgreSQL",
        "keyturn issuer --config /etc/keyturn/issuer.yaml --rotation tokens --mount /run/keyturn/keys --object tokens --store-file /run/secrets/store/url",
      ],
    ],
  });
  return command
    .action((flags: IssuerFlags) => runCommand(cli, { flags, command }))
    .enablePositionalOptions()
    .addCommand(issuerExplainCommand(cli))
    .addCommand(issuerHashSecretCommand(cli));
}

async function runCommand(
  cli: Cli,
  { flags, command }: { readonly flags: IssuerFlags; readonly command: Command },
): Promise<void> {
  const { config, listen, adminListen } = flags;
  const certificate = certificateIn(flags);
  if (config === undefined) throw new UsageError("Cannot run: must have --config");
  const userAgent = `keyturn-issuer/${cli.version}`;
  await runIssuing(
    cli,
    { flags, command },
    {
      config,
      userAgent,
      sources: await sourcesOf(cli, flags, { ring: "signer", userAgent }),
      listen: listen ?? { kind: "tcp", port: 8080 },
      ...(certificate && { certificate }),
      adminListen: tcpAddress(adminListen ?? { kind: "tcp", port: 9090 }, "--admin-listen"),
      signal: cli.io.interrupted,
      rereadOn: (reread) => cli.rereadOn(reread),
    },
  );
  cli.ended(exitCodes.done);
}

function certificateIn({ tlsCertFile: certFile, tlsKeyFile: keyFile }: IssuerFlags): CertificateFiles | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  throw new UsageError("Cannot run: must have --tls-cert-file and --tls-key-file, or neither");
}
