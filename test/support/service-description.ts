import { type AnyDefinition, fromJSON, type ServiceDefinition } from "@grpc/proto-loader";

// What a .proto file says, as data: nothing is read from a file.

export const field = (type: string, id: number) => ({ type, id });
export const message = <T extends object>(fields: T) => ({ fields });
/** One request, one answer. */
export const unary = (requestType: string, responseType: string) => ({ requestType, responseType, comment: "" });
/** Many requests, many answers, in any order. */
export const bothWays = (requestType: string, responseType: string) => ({
  ...unary(requestType, responseType),
  requestStream: true,
  responseStream: true,
});

export type Nested = NonNullable<Parameters<typeof fromJSON>[0]["nested"]>;

/**
 * A service, ready for a server or a client of `@grpc/grpc-js`.
 *
 * @param name - With its package
 * @param nested - The service and its messages, which may all stand in that package: a message's own name is not on the wire
 */
export function describeService(name: string, nested: Nested): ServiceDefinition {
  const path = name.slice(0, name.lastIndexOf("."));
  const found = fromJSON({ nested: packageOf(path, nested) })[name];
  if (found === undefined || !isService(found)) throw new Error(`Cannot describe ${name}: must be a service`);
  return found;
}

const packageOf = (path: string, nested: Nested): Nested =>
  path.split(".").reduceRight((inner, name) => ({ [name]: { nested: inner } }), nested);

function isService(definition: AnyDefinition): definition is ServiceDefinition {
  return !("format" in definition);
}
