// Owns serving MCP over standard input and output, until the input ends. Never writes anything else there.
import type { Readable, Writable } from "node:stream";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { CleanTransport } from "./clean-transport.js";
import { bufferBytes, MessageLines } from "./message-lines.js";
import { createServer, type ServerOptions } from "./server.js";
import { TaskTransport } from "./tasks.js";

/** Resolves when the client has closed standard input or no longer reads; calls in flight are canceled by then. */
export async function serveMcp(options: ServerOptions): Promise<void> {
  const signaled = new Promise<void>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => resolve());
  });
  await serveStreams(options, { input: process.stdin, output: process.stdout, until: signaled });
}

export interface ServedStreams {
  readonly input: Readable;
  readonly output: Writable;
  /** Ends serving earlier than the input does. */
  readonly until: Promise<void>;
}

/** The same over any two streams. */
export async function serveStreams(options: ServerOptions, { input, output, until }: ServedStreams): Promise<void> {
  const lines = new MessageLines(output);
  const ended = new Promise<void>((resolve) => {
    for (const event of ["close", "error"]) input.once(event, () => resolve());
    lines.once("end", () => resolve());
    output.once("error", () => resolve());
  });
  // Once before anything is read, so that wrong choices are said on standard error and end the command.
  createServer(options);
  const transport = new CleanTransport({ input: input.pipe(lines), output, maxBufferSize: bufferBytes });
  const handle = serveStdio(({ era }) => createServer({ ...options, tasks: era === "modern" }), {
    transport: new TaskTransport(transport),
  });
  await Promise.race([ended, until]);
  await handle.close();
}
