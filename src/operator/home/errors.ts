import { ApiError, ConnectionError, isConflict, KubeError, mayWorkLater, StoppedError } from "../../kube/errors.ts";
import { ChangeNeededError, TryLaterError } from "../../ring/errors.ts";

/** Converts the errors of an API server: the one way into those of Keyturn, for people at a command line. */
export async function converted<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof KubeError ? convert(error) : error;
  }
}

function convert(error: KubeError): Error {
  const { code, message } = error;
  const options = { cause: error };
  if (error instanceof StoppedError) return new TryLaterError("TimedOut", message, options);
  if (error instanceof ConnectionError && error.code === "NoCredentials") {
    return new ChangeNeededError(code, message, options);
  }
  if (error instanceof ApiError && error.status === 401) {
    return new ChangeNeededError(
      "Unauthorized",
      `${actionOf(error)}: must be known to the API server, is not`,
      options,
    );
  }
  if (mayWorkLater(error) || isConflict(error)) return new TryLaterError(code, message, options);
  return error instanceof ApiError ? new ChangeNeededError(...said(error), options) : error;
}

const forbidden =
  /User "([^"]*)" cannot ([a-z]+) resource "([a-z/]+)" in API group "([^"]*)"(?: in the namespace "([^"]*)")?/;
const invalid = /: \S+ "[^"]*" is invalid: (.*) \(422 Invalid\)$/s;

function said(error: ApiError): [code: string, message: string] {
  const { message, status, code, objectName } = error;
  const [, user, verb, resource, group, namespace] = forbidden.exec(message) ?? [];
  if (status === 403 && user !== undefined) {
    const what = `${verb ?? ""} ${[resource, group].filter((part) => part !== "").join(".")}`;
    const where = namespace === undefined ? "in all namespaces" : `in namespace "${namespace}"`;
    return ["Forbidden", `${actionOf(error)}: must be allowed to ${what} ${where}, user "${user}" is not`];
  }
  if (status === 404 && objectName === undefined) {
    return ["NoResource", `${actionOf(error)}: must be a resource that the cluster knows, is not`];
  }
  const [, problems] = invalid.exec(message) ?? [];
  if (problems !== undefined) return ["InvalidSpec", problems.replace(/^\[(.*)\]$/s, "$1")];
  return [code, message];
}

/** `Cannot get secrets "a/b"`. */
const actionOf = ({ message }: KubeError): string =>
  /^Cannot [a-z]+ [^\s:]+(?: "[^"]*")?/.exec(message)?.[0] ?? message;
