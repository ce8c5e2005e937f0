import { readFile } from "node:fs/promises";
import { fileProblem } from "../errors/errno-words.ts";
import { quotedPath } from "../errors/quote.ts";
import { KubeError } from "../kube/kube-errors.ts";

/** As client-go reads it again, in milliseconds. */
const rereadMs = 60_000;

/** A kubeconfig's `tokenFile`, which somebody else renews. */
export class RenewedTokenFile {
  readonly #path: string;
  #known: { readonly token: string; readonly atMs: number } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws KubeError `BadCredentials` */
  async read(): Promise<string> {
    const nowMs = performance.now();
    if (this.#known !== undefined && nowMs - this.#known.atMs < rereadMs) return this.#known.token;
    const token = (await this.#text()).trim();
    if (!/^[\x21-\x7e]+$/.test(token)) throw this.#bad("must hold one token");
    this.#known = { token, atMs: nowMs };
    return token;
  }

  async #text(): Promise<string> {
    try {
      return await readFile(this.#path, "utf8");
    } catch (error) {
      throw this.#bad(fileProblem(error) ?? "can't be read");
    }
  }

  #bad(problem: string): KubeError {
    return new KubeError("BadCredentials", `the token file ${quotedPath(this.#path)}: ${problem}`);
  }
}
