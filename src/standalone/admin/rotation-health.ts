import type { KeyturnError } from "../../errors/keyturn-error.ts";
import type { PassReport } from "../../keeper/pass.ts";
import type { View } from "../../ring/view.ts";
import type { HealthCheck } from "../../telemetry/health.ts";

/** Whether there are keys, and whether they are looked after. */
export class RotationHealth {
  #failure: KeyturnError | undefined;
  #last: { readonly view: View; readonly hasRing: boolean } | undefined;

  /** After a pass that did not fail. */
  pass({ ring }: PassReport, view: View): void {
    this.#failure = undefined;
    this.#last = { view, hasRing: ring !== undefined };
  }

  /** A pass failed, or could not write all that it should. */
  failure(error: KeyturnError): void {
    this.#failure = error;
  }

  /** Not well while there are no keys, or nothing can be done with them; what a person must mend is a remark: what is there goes on. */
  readonly rotation: HealthCheck = () => {
    if (this.#failure) return this.#failure.message;
    if (this.#last === undefined) return "nothing was read yet";
    const { view, hasRing } = this.#last;
    const stalled = view.conditions.find(({ type }) => type === "Stalled")?.message;
    if (!hasRing) return stalled ?? "there are no keys yet";
    return stalled === undefined ? undefined : { remark: stalled };
  };

  readonly settings: HealthCheck = () => {
    const refused = this.#last?.view.seen.refused?.message;
    return refused === undefined ? undefined : { remark: refused };
  };
}
