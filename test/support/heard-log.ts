import type { Log } from "../../src/telemetry/log.ts";

/** A log that remembers, and resolves when a line that fits comes. */
export class HeardLog implements Log {
  readonly lines: string[] = [];
  readonly #waiting = new Set<() => void>();

  readonly debug = (fields: object, message: string): void => this.#hear("debug", fields, message);
  readonly info = (fields: object, message: string): void => this.#hear("info", fields, message);
  readonly warn = (fields: object, message: string): void => this.#hear("warn", fields, message);
  readonly error = (fields: object, message: string): void => this.#hear("error", fields, message);

  /** The first line from number `from` on that has this text. */
  async heard(text: string, from = 0): Promise<string> {
    for (;;) {
      const line = this.lines.slice(from).find((one) => one.includes(text));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  #hear(...[level, fields, message]: [string, object, string]): void {
    this.lines.push(`${level} ${JSON.stringify(fields)} ${message}`);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
