/** What a pino logger is, and any other that takes fields and a message. Fields never hold keys, tokens or claims. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
