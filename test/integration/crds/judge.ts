import { ApiError, type KubeObject, type StatusCause } from "../../../hack/testcluster/client.ts";
import { admin } from "../support/scene.ts";

/** What the API server found wrong at one place. */
export interface Finding {
  /** `spec.tokens.maxTTL`; items and keys follow after a point, too. */
  readonly path: string;
  /** What a rule of ours says; absent when the schema refused and the server found words of its own. */
  readonly words?: string;
  /** All that the server said. */
  readonly message: string;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  /** There was something so wrong that the server looked at no rule. */
  readonly rulesUnchecked: boolean;
}

/** `labels[a/b]`, `labels["a/b"]` and `labels.a/b` are one path. */
export const plainPath = (path: string): string => path.replace(/\["?(.*?)"?\]/g, ".$1");

/** What begins a message, or is in one, that is not of our making. */
const serversOwn = /^(Required|Too long|Too many|Duplicate|Unsupported) |^Too |[^ ]* in body |list-type map|RFC 1123/;

function findingOf({ field = "", message = "" }: StatusCause): Finding {
  const words = message.slice(message.indexOf("must "));
  // Of the metadata a rule can't say in its fieldPath what it is about
  const [, inWords, must] = /^Invalid value: (metadata\.[a-z]+): (must [^]*)$/.exec(message) ?? [];
  if (inWords !== undefined && must !== undefined) return { path: inWords, words: must, message };
  return { path: plainPath(field), message, ...(!serversOwn.test(message) && { words }) };
}

/** The strict decoder says all that it does not know in one message. */
function unknownFields({ message }: ApiError): readonly Finding[] {
  const names = [...message.matchAll(/unknown field "((?:[^"\\]|\\.)*)"/g)];
  return names.map(([words, path = ""]) => ({ path: plainPath(path), words, message: words }));
}

function verdictOf(error: ApiError): Verdict {
  const unknown = unknownFields(error);
  if (unknown.length > 0) return { findings: unknown, rulesUnchecked: true };
  // It could not even be decoded
  if (error.causes.length === 0) return { findings: [{ path: "", message: error.message }], rulesUnchecked: true };
  const causes = error.causes.filter(({ message = "" }) => !message.includes("some validation rules were not checked"));
  return { findings: causes.map(findingOf), rulesUnchecked: causes.length < error.causes.length };
}

/** Everything that is wrong with what was sent, as the API server has it. */
export async function verdictOn(send: () => Promise<KubeObject>): Promise<Verdict> {
  try {
    await send();
    return { findings: [], rulesUnchecked: false };
  } catch (error) {
    if (error instanceof ApiError) return verdictOf(error);
    throw error;
  }
}

const options = "dryRun=All&fieldValidation=Strict";

/** What the server says of a creation, which does not happen. */
export const onCreate = (folder: string, object: unknown): Promise<Verdict> =>
  verdictOn(() => admin.create(`${folder}?${options}`, object));

/** What the server says of putting this in the place of what is there, which does not happen. */
export const onUpdate = (path: string, object: unknown): Promise<Verdict> =>
  verdictOn(() => admin.replace(`${path}?${options}`, object));
