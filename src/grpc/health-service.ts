import type { UnaryMethod } from "./unary-call.ts";
import { WireFields, numberField } from "./wire-fields.ts";

export const healthPath = "/grpc.health.v1.Health/Check";

/**
 * `grpc.health.v1`: says the same of the whole and of each of these services.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export const healthMethod =
  (isReady: () => boolean, names: readonly string[]): UnaryMethod =>
  (message) => {
    let service = "";
    for (const fields = new WireFields(message); fields.next();) if (fields.id === 1) service = fields.text();
    if (service !== "" && !names.includes(service)) return { code: "NOT_FOUND" };
    return numberField(1, isReady() ? serving : notServing);
  };

const serving = 1;
const notServing = 2;
