// Owns a real MCP client on a `pyro mcp serve` of its own over stdio. Never looks into the server.

import { Client as AnyClient } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { join } from "node:path";
import { runFolder } from "./command.js";
import type { Home } from "./home.js";

export interface McpOptions {
  /** After `pyro mcp serve`. */
  readonly args?: readonly string[];
  /** Chat hosts start servers wherever they are themselves; `/` when absent. */
  readonly cwd?: string;
  /** The newest when absent; an older one begins with a handshake. */
  readonly protocol?: "2026-07-28" | "2025-11-25" | undefined;
}

export type StructuredContent = Readonly<Record<string, unknown>>;

export interface McpConnection extends AsyncDisposable {
  readonly client: Client;
  /** The structured content of a result, or of an error. */
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<StructuredContent>;
}

/** Longer than any call of ours may take, so that a late answer is seen as one. */
const timeoutMs = 400_000;

/** The library gives every request a minute, which a busy machine may need. */
class Client extends AnyClient {
  override connect(...[transport, options]: Parameters<AnyClient["connect"]>) {
    return super.connect(transport, { timeout: timeoutMs, ...options });
  }

  override callTool(...[params, options]: Parameters<AnyClient["callTool"]>) {
    return super.callTool(params, { timeout: timeoutMs, ...options });
  }

  override listTools(...[params, options]: Parameters<AnyClient["listTools"]>) {
    return super.listTools(params, { timeout: timeoutMs, ...options });
  }
}

export async function connectMcp({ env }: Pick<Home, "env">, options: McpOptions = {}): Promise<McpConnection> {
  const defined = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(runFolder(), "dist", "pyro.js"), "mcp", "serve", ...(options.args ?? [])],
    env: Object.fromEntries(defined),
    cwd: options.cwd ?? "/",
  });
  const { protocol = "2026-07-28" } = options;
  const isNew = protocol === "2026-07-28";
  const client = new Client(
    { name: "pyro-test", version: "1" },
    isNew ? { versionNegotiation: { mode: { pin: protocol } } } : {},
  );
  await client.connect(transport);
  return {
    client,
    call: async (name, args = {}) => {
      const result = await client.callTool({ name, arguments: args }, { timeout: timeoutMs });
      return Object(result.structuredContent) as StructuredContent;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
