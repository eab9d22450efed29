// Owns cutting a client's input into lines, and answering those that are too long or no text. Never parses a message.
import { Transform, type TransformCallback, type Writable } from "node:stream";
import { jsonLine } from "../../base/json-line.js";
import { forPerson } from "../../base/say.js";
import { isText } from "../../base/text.js";

/** Bytes of one message. What the library buffers is more, since it ends the connection where it gets more than that. */
export const maxMessageBytes = 10 * 1024 * 1024;
export const bufferBytes = 2 * maxMessageBytes;

/** Bytes of either end of a line that is too long in which its id is looked for. */
const endBytes = 4096;
const newline = 0x0a;

/** Hands on whole lines; one that is too long, or is not UTF-8, is answered on `output` by an error with its id, and dropped. */
export class MessageLines extends Transform {
  readonly #output: Writable;
  #parts: Buffer[] = [];
  #length = 0;
  /** Both ends of a line that is too long. */
  #head = "";
  #tail = Buffer.alloc(0);

  constructor(output: Writable) {
    super();
    this.#output = output;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      this.#add(chunk.subarray(from, end + 1));
      this.#finishLine();
      from = end + 1;
    }
    this.#add(chunk.subarray(from));
    done();
  }

  #add(part: Buffer): void {
    this.#length += part.length;
    if (this.#length <= maxMessageBytes) {
      this.#parts.push(part);
      return;
    }
    const end = Buffer.concat([...this.#parts, this.#tail, part]);
    if (this.#tail.length === 0) this.#head = end.toString("utf8", 0, endBytes);
    this.#parts = [];
    // A copy: a view would keep all of it.
    this.#tail = Buffer.from(end.subarray(-endBytes));
  }

  #finishLine(): void {
    const line = this.#length <= maxMessageBytes ? Buffer.concat(this.#parts) : undefined;
    if (line !== undefined && isText(line)) this.push(line);
    else if (line !== undefined) this.#output.write(jsonLine(notText(line)));
    else this.#output.write(jsonLine(tooLong(idOf(this.#head, this.#tail.toString("utf8")), this.#length)));
    this.#parts = [];
    this.#length = 0;
    this.#head = "";
    this.#tail = Buffer.alloc(0);
  }
}

/** What would be read with other characters in it. */
function notText(line: Buffer) {
  const id = idOf(line.toString("utf8", 0, endBytes), line.toString("utf8", Math.max(0, line.length - endBytes)));
  const message = "invalid_argument: This message is not UTF-8. Write its texts as UTF-8, or with JSON's \\u escapes.";
  return { jsonrpc: "2.0", id, error: { code: -32_600, message } };
}

function tooLong(id: string | number | null, bytes: number) {
  const limit = `${maxMessageBytes / 1024 / 1024} MiB`;
  const longer = forPerson`a patch of up to 256 MiB the user applies in a terminal, by pyro workspace patch apply ID --patch-file FILE`;
  const message = `invalid_argument: This message has ${bytes} bytes; a call may have ${limit}. Write what is longer in several calls; ${longer}.`;
  return { jsonrpc: "2.0", id, error: { code: -32_600, message } };
}

/** Clients write the id before what is long, or as the last of all; what lies within a string has its quotes escaped. */
function idOf(head: string, tail: string): string | number | null {
  const first = /^\{(?:"(?:jsonrpc|method)":"[^"\\]*",)*"id":("[^"\\]*"|-?\d+)[,}]/u.exec(head);
  const last = /,"id":("[^"\\]*"|-?\d+)\}\s*$/u.exec(tail);
  const found = first?.[1] ?? last?.[1];
  return found === undefined ? null : (JSON.parse(found) as string | number);
}
