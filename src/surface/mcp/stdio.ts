// Owns serving MCP over standard input and output, until the input ends. Never writes anything else there.
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { createServer, type CreateServerOptions } from "./server.js";

/** Resolves when the client has closed standard input or no longer reads; calls in flight are canceled by then. */
export async function serveMcp(options: CreateServerOptions): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"]) process.stdin.once(event, () => resolve());
    process.stdout.once("error", () => resolve());
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => resolve());
  });
  // Once before anything is read, so that wrong choices are said on standard error and end the command.
  createServer(options);
  const handle = serveStdio(() => createServer(options));
  await ended;
  await handle.close();
}
