// Owns cutting a byte stream into lines of bounded length. Never interprets them.
import { PyroError } from "../base/error.js";

/** Yields each line without its newline; the stream waits while a line is worked on. */
export async function* readLines(stream: AsyncIterable<unknown>, maxBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    let rest = chunk as Buffer;
    for (let at = rest.indexOf(10); at !== -1; at = rest.indexOf(10)) {
      parts.push(rest.subarray(0, at));
      yield Buffer.concat(parts).toString("utf8");
      parts = [];
      size = 0;
      rest = rest.subarray(at + 1);
    }
    size += rest.length;
    if (size > maxBytes) throw new PyroError("invalid_argument", `A line is longer than ${maxBytes} bytes.`);
    if (rest.length > 0) parts.push(rest);
  }
  if (size > 0) yield Buffer.concat(parts).toString("utf8");
}
