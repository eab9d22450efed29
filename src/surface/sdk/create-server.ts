// Owns handing out an MCP server to embed. Loads the MCP library only when one is asked for.
import type { CreateServerOptions } from "../mcp/server.js";
import { daemonConnector } from "../open.js";

export type { CreateServerOptions };

/** What an MCP server needs of a transport; those of `@modelcontextprotocol/server` fit. */
export interface ServerTransport {
  start(): Promise<void>;
  send(message: object): Promise<void>;
  close(): Promise<void>;
}

/** An MCP server: the user of the package need not have the MCP library for its type. */
export interface EmbeddedServer {
  /** Serves until the transport closes; one transport at a time. */
  connect(transport: ServerTransport): Promise<void>;
  close(): Promise<void>;
}

/** A server that is not connected yet: connect it to a transport of `@modelcontextprotocol/server`. */
export async function createServer(options: CreateServerOptions): Promise<EmbeddedServer> {
  const loaded = await import("../mcp/server.js");
  return loaded.createServer({ ...options, connector: options.connector ?? daemonConnector(options.home) });
}
