/** The text as it is seen: without escapes. */
export const plain = (text: string): string => text.replaceAll(/\u001b\[[0-9;]*m/g, "");

/** Cells that the text takes; all that we write is one cell a character. */
export const widthOf = (text: string): number => Array.from(plain(text)).length;
