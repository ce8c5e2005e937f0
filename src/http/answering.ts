import type { ServerResponse } from "node:http";

/**
 * The answers of a server that are under way. Places in a list, and no Set: V8 links the tables of a Set, in which many come and go, one to the next, so that
 * those who left long ago pass for alive and are copied again and again: a quarter of the processor time of the agent's proxy.
 */
export class Answering {
  readonly #places: (ServerResponse | undefined)[] = [];
  readonly #free: number[] = [];

  /** It is one of them until it ends. */
  add(response: ServerResponse): void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = response;
    response.once("close", () => {
      this.#places[place] = undefined;
      this.#free.push(place);
    });
  }

  all(): readonly ServerResponse[] {
    return this.#places.filter((response) => response !== undefined);
  }
}
