// Owns JSON as it leaves this process: one line for every reader of lines, and clean Unicode. Never reads any.

/** Ends of a line to readers that know Unicode's, such as Python's `splitlines`; JSON lets them stand in a string. */
const lineEnds = /[\u0085\u2028\u2029]/gu;
/** Every escape, so that the second backslash of `\\ud800` begins none; JSON.stringify writes half a pair as one, and nothing else. */
const escapes = /\\(?:u[0-9a-f]{4}|.)/gu;

/** A value as one line, with its newline. */
export function jsonLine(value: unknown): string {
  return `${cleanJson(JSON.stringify(value))}\n`;
}

/** What `JSON.stringify` wrote: other ends of a line than its own are escaped, and half a surrogate pair is U+FFFD. */
export function cleanJson(json: string): string {
  const whole = json.includes(String.raw`\ud`) ? json.replaceAll(escapes, wholeEscape) : json;
  return whole.replaceAll(lineEnds, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function wholeEscape(escape: string): string {
  return escape.startsWith(String.raw`\ud`) ? "\u{fffd}" : escape;
}
