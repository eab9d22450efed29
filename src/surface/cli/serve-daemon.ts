// Owns the command that is the daemon. Loads it only when it runs.
import * as z from "zod";
import { asPyroError } from "../../base/error.js";
import { jsonLine } from "../../base/json-line.js";
import { errorBodyOf } from "../../daemon/protocol.js";
import type { Command } from "./command.js";
import { exitCodes } from "./exit.js";

/** What `connectDaemon` starts. */
export const daemonServeCommand: Command = {
  path: ["daemon", "serve"],
  summary: "Run the daemon itself; started on demand by the other commands.",
  input: z.strictObject({}),
  hidden: true,
  notes: [],
  run: async (_input, { json, stdout, settled }) => {
    const { runDaemon } = await import("../../daemon/serve.js");
    try {
      await runDaemon(settled);
      return 0;
    } catch (thrown) {
      if (!json) throw thrown;
      // For the client that has started it, whose surface spells the hint.
      const error = asPyroError(thrown);
      await stdout.pass(jsonLine({ error: errorBodyOf(error) }));
      return exitCodes[error.code];
    }
  },
};
