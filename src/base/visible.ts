// Owns showing characters that a terminal would obey. Never changes what a person could read.

/** Controls, and what turns the order of a line's characters round. */
const obeyed = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** For text of several lines: line ends and tabs stay as they are. */
export function visible(text: string): string {
  return text.replaceAll(obeyed, (character) =>
    character === "\n" || character === "\t" ? character : name(character),
  );
}

/** For what belongs on one line, such as a name or a cell of a table. */
export function visibleLine(text: string): string {
  return text.replaceAll(obeyed, name);
}

/** As `cat -v` names the old ones, such as `^[`; the others by their number. */
function name(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return `^${String.fromCodePoint(code + 0x40)}`;
  return code === 0x7f ? "^?" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}
