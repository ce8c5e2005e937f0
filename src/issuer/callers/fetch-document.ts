import { FetchError, fetchText, placeOf, type TextFetch } from "../../http/fetch-text.ts";
import { jsonIn } from "../../parse/json.ts";
import { isObject, type Members } from "../../parse/object.ts";

/** A source of keys has given none: why, for the log. Never with what it answered. */
export class SourceError extends Error {}

export type FetchOptions = Omit<TextFetch, "limit" | "accept">;

/** More than any set of keys, or what describes an issuer, in bytes. */
export const longestDocument = 262_144;

const rules = { limit: longestDocument, accept: "application/jwk-set+json, application/json" };

/**
 * The JSON object that stands at the address. No redirect is followed: keys come from where the file says, or from nowhere.
 *
 * @throws SourceError
 */
export async function fetchDocument(url: URL, options: FetchOptions): Promise<Members> {
  const value = jsonIn(await textAt(url, options));
  if (isObject(value)) return value;
  throw new SourceError(`${placeOf(url)} must answer a JSON object`);
}

async function textAt(url: URL, options: FetchOptions): Promise<string> {
  try {
    return (await fetchText(url, { ...options, ...rules })).text;
  } catch (error) {
    throw error instanceof FetchError ? new SourceError(error.message) : error;
  }
}
