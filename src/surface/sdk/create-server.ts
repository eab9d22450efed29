// Owns handing out an MCP server to embed. Loads the MCP library only when one is asked for.
import type { Server } from "@modelcontextprotocol/server";
import type { CreateServerOptions } from "../mcp/server.js";

export type { CreateServerOptions };

/** A server that is not connected yet: connect it to a transport of `@modelcontextprotocol/server`. */
export async function createServer(options: CreateServerOptions): Promise<Server> {
  const loaded = await import("../mcp/server.js");
  return loaded.createServer(options);
}
