// Owns the bundle of the MCP server, which a chat host waits for. Never holds another command.
import { PyroError } from "../../base/error.js";
import { reachDaemon } from "../reach.js";
import { runCli } from "./cli.js";
import type { RunEntry } from "./entry.js";
import { mcpServeCommand } from "./serve-mcp.js";

export const run: RunEntry = (args, settled) =>
  runCli(args, {
    connector: { ...reachDaemon(process.env), here: elsewhere },
    find: () => Promise.resolve(mcpServeCommand),
    every: elsewhere,
    settled,
  });

function elsewhere(): Promise<never> {
  return Promise.reject(new PyroError("internal", "This command belongs to another part of the package."));
}
