import type { Document } from "yaml";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { listAt, type Path, valueAt } from "./manifest.ts";
import { sidecarName, type SidecarOptions } from "./sidecar.ts";
import { quoted } from "../errors/quote.ts";
import { objectsIn } from "../parse/object.ts";

/** @throws ChangeNeededError `WorkloadUnfit`, `PortTaken` when the gateway does not fit beside this application */
export function mustFit(
  workload: Document,
  { spec, name }: { readonly spec: Path; readonly name: string },
  options: SidecarOptions,
): void {
  const unfit = (what: string): ChangeNeededError =>
    new ChangeNeededError("WorkloadUnfit", `Cannot inject into ${quoted(name)}: ${what}`);
  const is = (...path: Path): unknown => valueAt(workload, [...spec, ...path]);
  const containers = listAt(workload, [...spec, "containers"]);
  if (containers.length === 0) throw unfit("must have containers");
  if (containers.some((one) => one["name"] === sidecarName)) {
    throw unfit(`a container must not be named "${sidecarName}" already; remove it`);
  }
  if (is("os", "name") === "windows") throw unfit("its pods must run on Linux, the image does");
  if (is("hostNetwork") === true && options.ports["--mint-listen"] !== undefined) {
    throw unfit(
      "with hostNetwork the whole node could mint over TCP; --mint-listen must be unix:/path on a shared volume",
    );
  }
  const others = listAt(workload, [...spec, "initContainers"]).filter((one) => one["name"] !== sidecarName);
  const taken = [...containers, ...others].flatMap(portsOf);
  for (const [flag, port] of Object.entries(options.ports)) {
    if (!taken.includes(port)) continue;
    throw new ChangeNeededError(
      "PortTaken",
      `Cannot inject into ${quoted(name)}: port ${port} must be free, the application has it; ${flag} takes another`,
    );
  }
}

function portsOf({ ports }: Readonly<Record<string, unknown>>): readonly number[] {
  return objectsIn(ports).map((port) => Number(port["containerPort"]));
}
