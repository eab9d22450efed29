// Owns how a word is written for a shell. Never runs anything.

/** As a shell has to be given it. */
export function shellWord(word: string): string {
  return /^[\w./:=@%+,-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
