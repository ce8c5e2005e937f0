import {
  ApiError,
  ConnectionError,
  isWriteConflict,
  isUnknownResource,
  KubeError,
  mayWorkLater,
  StoppedError,
} from "../../kube/kube-errors.ts";
import { ChangeNeededError, TryLaterError } from "../../errors/keyturn-error.ts";

/** Converts the errors of an API server: the one way into those of Keyturn, for people at a command line. */
export async function withApiErrors<T>(work: () => Promise<T>): Promise<T> {
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
    const problem = "must be known to the API server, is not";
    return new ChangeNeededError("Unauthorized", `Cannot ${error.action}: ${problem}`, options);
  }
  if (mayWorkLater(error) || isWriteConflict(error)) return new TryLaterError(code, message, options);
  return error instanceof ApiError ? new ChangeNeededError(...said(error), options) : error;
}

function said(error: ApiError): [code: string, message: string] {
  const { message, code, action, causes, refuser } = error;
  if (refuser?.kind === "rights") {
    const { user, verb, resource, namespace } = refuser;
    const where = namespace === undefined ? "in all namespaces" : `in namespace "${namespace}"`;
    return ["Forbidden", `Cannot ${action}: must be allowed to ${verb} ${resource} ${where}, user "${user}" is not`];
  }
  if (refuser !== undefined) return ["Denied", message];
  if (isUnknownResource(error)) {
    return ["NoResource", `Cannot ${action}: must be a resource that the cluster knows, is not`];
  }
  const problems = causes.flatMap((cause) => (cause.message === undefined ? [] : [`${cause.field}: ${cause.message}`]));
  return code === "Invalid" && problems.length > 0
    ? ["InvalidSpec", [...new Set(problems)].join(", ")]
    : [code, message];
}
