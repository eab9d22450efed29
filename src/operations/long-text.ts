// Owns texts of operations that come and go in pieces beside input and result. Never interprets one.
import { PyroError } from "../base/error.js";
import type { Call } from "./operation.js";

/** What the caller sends beside its input; fails where the caller went before its end: half of a text is another one. */
export async function* wholeInput({ stdin, hasWholeStdin }: Call): AsyncGenerator<Uint8Array> {
  if (stdin === undefined) throw new PyroError("invalid_argument", "There is no text to read.");
  for await (const chunk of stdin) yield chunk as Buffer;
  if (!hasWholeStdin()) throw new PyroError("canceled", "The client went away.");
}

/** Characters of one piece of output. */
const pieceCharacters = 128 * 1024;

/** Hands a text on, in the caller's own time. */
export async function outputText(call: Call, text: string): Promise<void> {
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + pieceCharacters);
    // Never between the two halves of a character.
    if (end < text.length && /[\ud800-\udbff]/u.test(text.charAt(end - 1))) end += 1;
    await call.output("stdout", Buffer.from(text.slice(at, end)));
    at = end;
  }
}
