// Owns the MCP server: its tools and instructions. Never knows over what it is served.
import { ProtocolError, ProtocolErrorCode, Server } from "@modelcontextprotocol/server";
import { closest } from "../../base/closest.js";
import { PyroError } from "../../base/error.js";
import { version } from "../../base/version.js";
import { defaultEnvironment } from "../../operations/fields.js";
import type { Profile } from "../../operations/operation.js";
import { plannedBy } from "../../operations/planned.js";
import { daemonConnector, type Connector } from "../connection.js";
import { callTool, defaultTimes, type CallTimes } from "./call-tool.js";
import { toolsOf } from "./tools.js";

export interface CreateServerOptions {
  readonly profile: Profile;
  /** Folder of another pyro than the user's, as PYRO_HOME. */
  readonly home?: string;
  readonly connector?: Connector;
  readonly times?: CallTimes;
}

/** At most 2,000 characters, for each profile that is built. */
export const instructions: Readonly<Partial<Record<Profile, string>>> = {
  "vm-run":
    "pyro runs shell commands in disposable Linux virtual machines. vm_run starts a fresh machine, runs one command as " +
    "root in /workspace, returns its exit code and output, and deletes the machine: no file, process or package outlives " +
    "the call, and nothing of the host is visible inside. Put everything that belongs together into one command, " +
    "joined by `&&` or as a here-document. There is no network. The first call may have to install the environment " +
    `(${defaultEnvironment}: git, curl, python3), which takes a minute or two: when it answers deadline_exceeded, call again. A failing ` +
    "command is a normal result; read exit_code and stderr. Keep output short with grep, head or tail: more than " +
    "20,000 characters of a stream come back as head and tail.",
};

/** A server that is not connected yet; it answers `initialize` and `tools/list` without a daemon. */
export function createServer(options: CreateServerOptions): Server {
  const { profile, connector = daemonConnector(options.home), times = defaultTimes } = options;
  const brings = plannedBy("profiles", profile);
  if (brings !== undefined) {
    throw new PyroError("unsupported", `The profile ${profile} is not built yet.`, {
      hint: `It is planned with ${brings}; use vm-run until then.`,
    });
  }
  const tools = toolsOf(profile);
  const server = new Server(
    { name: "pyro", title: "pyro", version },
    { capabilities: { tools: {} }, instructions: instructions[profile] ?? "" },
  );
  server.setRequestHandler("tools/list", () => ({ tools: tools.map(({ tool }) => tool) }));
  server.setRequestHandler("tools/call", (request, context) => {
    const { name, arguments: args } = request.params;
    const tool = tools.find((each) => each.tool.name === name);
    if (tool === undefined)
      throw unknownTool(
        name,
        tools.map((each) => each.tool.name),
      );
    return callTool({ tool, args }, context, { connector, times });
  });
  return server;
}

function unknownTool(name: string, known: readonly string[]): ProtocolError {
  const brings = plannedBy("tools", name);
  const meant = closest(name, known);
  const more =
    brings === undefined ? (meant === undefined ? "" : ` Did you mean ${meant}?`) : ` It is planned with ${brings}.`;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${name}.${more}`);
}
