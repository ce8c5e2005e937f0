import type { Document } from "yaml";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { listAt, type Path, valueAt } from "./manifest.ts";
import type { PortsByFlag } from "./native-sidecar.ts";
import { quoted } from "../errors/quote.ts";
import { objectsIn } from "../parse/object.ts";

/** What a sidecar takes of a pod. */
export interface WantedSidecar {
  /** Of its container. */
  readonly name: string;
  readonly ports: PortsByFlag;
  /** What the application mounts of it. */
  readonly shares?: { readonly name: string; readonly mountPath: string };
}

interface Pod {
  readonly spec: Path;
  /** Of the workload. */
  readonly name: string;
  /** Names that a sidecar may have. */
  readonly sidecars: readonly string[];
}

/** Flags of TCP ports that are for the pod alone. */
const ofThePod = ["--mint-listen", "--proxy-listen"];

/** @throws ChangeNeededError `WorkloadUnfit`, `PortTaken` when these do not fit beside this application */
export function mustFit(workload: Document, { spec, name, sidecars }: Pod, wanted: readonly WantedSidecar[]): void {
  const unfit = (what: string): ChangeNeededError =>
    new ChangeNeededError("WorkloadUnfit", `Cannot inject into ${quoted(name)}: ${what}`);
  const is = (...path: Path): unknown => valueAt(workload, [...spec, ...path]);
  const containers = listAt(workload, [...spec, "containers"]);
  if (containers.length === 0) throw unfit("must have containers");
  const twin = wanted.find((one) => containers.some((container) => container["name"] === one.name));
  if (twin !== undefined) throw unfit(`a container must not be named "${twin.name}" already; remove it`);
  if (is("os", "name") === "windows") throw unfit("its pods must run on Linux, the image does");
  const before = listAt(workload, [...spec, "initContainers"]);
  const own = [...containers, ...before].filter((one) => !sidecars.some((sidecar) => sidecar === one["name"]));
  for (const { ports, shares } of wanted) {
    if (shares && own.some((container) => hasOtherAt(shares, container))) {
      throw unfit(`${shares.mountPath} must be free, the application has mounted something there`);
    }
    const open = ofThePod.find((flag) => ports[flag] !== undefined);
    if (is("hostNetwork") === true && open !== undefined) {
      throw unfit(`${open} must be unix:/path on a shared volume: with hostNetwork the whole node could use a port`);
    }
    mustBeFree(name, ports, own.flatMap(portsOf));
  }
}

function mustBeFree(name: string, ports: PortsByFlag, taken: readonly number[]): void {
  const [flag, port] = Object.entries(ports).find(([, one]) => taken.includes(one)) ?? [];
  if (flag === undefined) return;
  throw new ChangeNeededError(
    "PortTaken",
    `Cannot inject into ${quoted(name)}: port ${port} must be free, the application has it; ${flag} takes another`,
  );
}

const hasOtherAt = (
  { name, mountPath }: Required<WantedSidecar>["shares"],
  { volumeMounts }: Readonly<Record<string, unknown>>,
): boolean => objectsIn(volumeMounts).some((mount) => mount["mountPath"] === mountPath && mount["name"] !== name);

function portsOf({ ports }: Readonly<Record<string, unknown>>): readonly number[] {
  return objectsIn(ports).map((port) => Number(port["containerPort"]));
}
