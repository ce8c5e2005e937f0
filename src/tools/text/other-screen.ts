import { linesOn, type Screen } from "./screen.ts";

/** The other screen of a terminal, without cursor and without line breaks of its own; and back. */
const codes = {
  enter: "\u001b[?1049h\u001b[?25l\u001b[?7l",
  home: "\u001b[H",
  leave: "\u001b[?7h\u001b[?25h\u001b[?1049l",
};
const clear = { restOfLine: "\u001b[K", restOfScreen: "\u001b[J" };

/** A picture that is drawn again and again over itself. What was there before comes back at the end. */
export class OtherScreen {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
    screen.write(codes.enter);
  }

  draw(lines: readonly string[]): void {
    // What is below the last line would scroll the first one away
    const text = lines
      .flatMap((one) => linesOn(this.#screen, one))
      .slice(0, Math.max(1, this.#screen.rows - 1))
      .map((one) => `${one}${clear.restOfLine}\r\n`)
      .join("");
    this.#screen.write(`${codes.home}${text}${clear.restOfScreen}`);
  }

  leave(): void {
    this.#screen.write(codes.leave);
  }
}
