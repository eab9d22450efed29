// Owns the commands that serve until they are told to stop. Loads what they need only when they run.
import * as z from "zod";
import { PyroError } from "../../base/error.js";
import { profiles, type Profile } from "../../operations/operation.js";
import { plannedBy } from "../../operations/planned.js";
import type { Command } from "./command.js";

const defaultProfile = "workspace-core" satisfies Profile;

const mcpServeInput = z.strictObject({
  profile: z.enum(profiles).default(defaultProfile).describe("Which tools the server offers."),
});

export const mcpServeCommand: Command = {
  path: ["mcp", "serve"],
  summary: "Serve MCP tools over standard input and output.",
  input: mcpServeInput,
  positionals: [],
  rest: undefined,
  hidden: false,
  notes: ["Started by a chat host; ends when its standard input is closed. So far only --profile vm-run works."],
  run: async (input, { connector }) => {
    const { profile } = mcpServeInput.parse(input);
    const brings = plannedBy("profiles", profile);
    if (brings !== undefined) {
      throw new PyroError("unsupported", `The profile ${profile} is not built yet.`, {
        hint: `It is planned with ${brings}; until then: pyro mcp serve --profile vm-run`,
      });
    }
    const { serveMcp } = await import("../mcp/stdio.js");
    await serveMcp({ profile, connector });
    return 0;
  },
};

/** What `connectDaemon` starts. */
export const daemonServeCommand: Command = {
  path: ["daemon", "serve"],
  summary: "Run the daemon itself; started on demand by the other commands.",
  input: z.strictObject({}),
  positionals: [],
  rest: undefined,
  hidden: true,
  notes: [],
  run: async () => {
    const { runDaemon } = await import("../../daemon/serve.js");
    await runDaemon();
    return 0;
  },
};
