// Owns the MCP server: its tools and instructions. Never knows over what it is served.
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import { closest } from "../../base/closest.js";
import type { Speaker } from "../../base/say.js";
import { version } from "../../base/version.js";
import type { Profile } from "../../operations/operation.js";
import { plannedBy } from "../../operations/planned.js";
import { checkServeChoices, defaultProfile, type Mode } from "../../operations/serve-choices.js";
import type { Connector } from "../connection.js";
import type { Caller } from "./answer-time.js";
import { callTool, defaultTimes, type CallTimes } from "./call-tool.js";
import { scopeOf, type ServerChoices } from "./choices.js";
import { instructionsOf } from "./instructions.js";
import { listedTools } from "./listed-tools.js";
import { loadedFirst } from "./loading.js";
import { modeShapes } from "./modes.js";
import { takesTasks, tasksExtension } from "./tasks.js";
import type { McpTool, ToolChoice } from "./tools.js";

export interface CreateServerOptions extends ServerChoices {
  /** Which tools it offers; `workspace-core` when it and mode are absent. */
  readonly profile?: Profile | undefined;
  /** The tools for one kind of task, instead of a profile. */
  readonly mode?: Mode | undefined;
  /** Folder of another pyro than the user's, as PYRO_HOME. */
  readonly home?: string | undefined;
  /** @internal For tests. */
  readonly connector?: Connector | undefined;
  /** @internal For tests. */
  readonly times?: CallTimes | undefined;
}

/** Whoever opens a server says how it reaches the daemon. */
export type ServerOptions = CreateServerOptions & {
  readonly connector: Connector;
  /** Its calls can become tasks: it is behind a TaskTransport. */
  readonly tasks?: boolean | undefined;
  /** Called once the tools have been listed: a host that has them waits for nothing more. */
  readonly settled?: (() => void) | undefined;
};

/** A server that is not connected yet; it answers `initialize` and `tools/list` without a daemon. */
export function createServer(options: ServerOptions): Server {
  const { profile = defaultProfile, mode, connector, times = defaultTimes } = options;
  checkServeChoices({ profile: options.profile, mode });
  const scope = scopeOf(options, process.cwd());
  const choice = { profile, mode, environment: options.environment };
  const listed = listedTools(choice);
  const names = listed.map(({ name }) => name);
  let loaded: Promise<Callable> | undefined;
  const callable = () => (loaded ??= loadCallable(choice));
  const facts = { tools: names, loadedFirst: loadedFirst(listed), sourceText: scope.sourceText };
  const server = new Server(
    { name: "pyro", title: "pyro", version },
    {
      capabilities: { tools: {}, ...(options.tasks === true ? { extensions: { [tasksExtension]: {} } } : {}) },
      // They are the same as long as this process is there.
      cacheHints: { "tools/list": kept, "server/discover": kept },
      instructions: instructionsOf({ ...facts, task: mode === undefined ? undefined : modeShapes[mode].task }),
    },
  );
  server.setRequestHandler("tools/list", () => {
    const { settled } = options;
    // Ready for the first call while the model reads.
    if (settled !== undefined) setImmediate(() => void callable().then(settled));
    return { tools: listed };
  });
  server.setRequestHandler("tools/call", async (request, context) => {
    const { name, arguments: args } = request.params;
    const { tools, speaker } = await callable();
    const tool = tools.find((each) => each.tool.name === name);
    if (tool === undefined) throw unknownTool(name, names);
    const caller = callerOf(server, context);
    const canBeTask = options.tasks === true && caller.takesTasks;
    return callTool({ tool, args, caller, canBeTask }, context, { connector, times, scope, speaker });
  });
  return server;
}

/** Clients of 2026-07-28 ask again after this long. */
const kept = { ttlMs: 60 * 60 * 1000, cacheScope: "private" } as const;

interface Callable {
  readonly tools: readonly McpTool[];
  /** Spells what names other calls. */
  readonly speaker: Speaker;
}

/** The operations behind the tools: a client that only lists them waits for none. */
async function loadCallable(choice: ToolChoice): Promise<Callable> {
  const [{ toolsOf }, { toolSpeaker }] = await Promise.all([import("./tools.js"), import("./speaker.js")]);
  const tools = toolsOf(choice);
  return { tools, speaker: toolSpeaker(tools) };
}

const self = z.looseObject({
  [CLIENT_INFO_META_KEY]: z.looseObject({ name: z.string(), version: z.string() }),
  [CLIENT_CAPABILITIES_META_KEY]: z.unknown(),
});

/** Since 2026-07-28 it stands in each request, before in the first alone. */
function callerOf(server: Server, { mcpReq }: ServerContext): Caller & { readonly takesTasks: boolean } {
  const own = self.safeParse(mcpReq.envelope).data;
  const { name, version } = own?.[CLIENT_INFO_META_KEY] ?? server.getClientVersion() ?? { name: "", version: "" };
  return { name, version, takesTasks: takesTasks(own?.[CLIENT_CAPABILITIES_META_KEY]) };
}

function unknownTool(name: string, known: readonly string[]): ProtocolError {
  const brings = plannedBy("tools", name);
  const meant = closest(name, known);
  const more =
    brings === undefined ? (meant === undefined ? "" : ` Did you mean ${meant}?`) : ` It is planned with ${brings}.`;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${name}.${more}`);
}
