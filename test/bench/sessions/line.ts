/** What a server says, with the names of `ServerFrame`. */
export type HeardFrame = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** One connection of the crowd, of either transport: as little work as can be, since the crowd is not what is measured. */
export interface Line {
  /** With the names of `ClientFrame`. */
  say(frame: object): void;
  /** Ends it in good order. */
  leave(): void;
  /** Breaks the connection. */
  cut(): void;
}

interface LineEnds {
  heard(frame: HeardFrame): void;
  /** @param why - What the server said with it, where it said something */
  ended(why?: string): void;
}

/** Opens a connection with this token. */
export type OpenLine = (port: number, token: string, ends: LineEnds) => Line;
