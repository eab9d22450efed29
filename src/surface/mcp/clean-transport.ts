// Owns writing messages to standard output, each a line to every reader of lines. Never reads one.
import type { Readable, Writable } from "node:stream";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { jsonLine } from "../../base/json-line.js";

export interface TransportStreams {
  readonly input: Readable;
  readonly output: Writable;
  /** Bytes that the library buffers of one message. */
  readonly maxBufferSize: number;
}

export class CleanTransport extends StdioServerTransport {
  readonly #output: Writable;

  constructor({ input, output, maxBufferSize }: TransportStreams) {
    super(input, output, { maxBufferSize });
    this.#output = output;
  }

  override send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#output.write(jsonLine(message), (error) => (error ? reject(error) : resolve()));
    });
  }
}
