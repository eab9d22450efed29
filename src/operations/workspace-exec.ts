// Owns the operations that run commands in a workspace and tell what was run. Never files.
import * as z from "zod";
import { asSaid, call, either, say, type Said } from "../base/say.js";
import { visibleLine } from "../base/visible.js";
import { outcomeView, reasonsOf } from "../process/outcome.js";
import { keptOutputBytes } from "../process/kept.js";
import { maxOutputBytes, modelOutputBytes, terminalFlags } from "./fields.js";
import { besideLoop, mainLoop } from "./offer.js";
import { operation, type ToolTime } from "./operation.js";
import { execView, workspaceId } from "./workspace-fields.js";
import { viewOfCommand, viewOfExec } from "./workspace-view.js";

/** Of a page of a command's output that a model gets at once. */
const modelPageBytes = 20_000;

const command = z
  .union([z.string().min(1).max(131_072), z.array(z.string().max(131_072)).min(1).max(4096)])
  .meta({ title: "COMMAND...", description: "Command; a string is run by the guest's login shell, a list directly." });
const cwd = z
  .string()
  .regex(/^\/[^\0]*$/u, "must be absolute")
  .max(4096)
  .default("/workspace")
  .meta({ title: "DIR", description: "Folder to run in." });
/** More than any workspace gets to. */
const sequence = z.int().min(1).max(2_147_483_647);

const timeoutSeconds = z.number().min(0.1).max(86_400).describe("Kills the whole process tree after this long.");

const execInput = z.strictObject({
  workspace_id: workspaceId,
  command,
  cwd,
  timeout_seconds: timeoutSeconds.default(300),
  detach: z.boolean().default(false).describe("Answer at once; `workspace wait` follows it."),
  wait_seconds: z.number().min(0).max(86_400).default(86_400).describe("Answer after this long, also while it runs."),
  max_output_bytes: maxOutputBytes,
});

const execMcpInput = z.strictObject({
  workspace_id: workspaceId,
  command: z.string().min(1).max(131_072).describe("Shell command, run by `bash -lc`."),
  cwd,
  // A model that has chosen nothing wants to hear soon of what hangs.
  timeout_seconds: timeoutSeconds.default(30),
});

export const workspaceExecOperation = operation({
  name: "workspace_exec",
  title: "Run a command in a workspace",
  summary: "Run a command in a workspace.",
  effect: "change",
  needs: "beside",
  sdk: "execWorkspace",
  cli: {
    path: ["workspace", "exec"],
    positionals: ["workspace_id"],
    rest: "command",
    passThrough: true,
    omit: ["wait_seconds", "max_output_bytes"],
    alsoTyped: { ...terminalFlags, d: "detach", w: "cwd" },
  },
  mcp: {
    ...mainLoop,
    input: execMcpInput,
    fills: { max_output_bytes: modelOutputBytes },
    bounded: ["stdout", "stderr"],
    waits: "wait_seconds",
    description:
      "Runs a shell command as root in the workspace's machine. Non-zero exits, timeouts and kills are results. Returns " +
      "exit_code, stdout, stderr; of over 20,000 characters head and tail, and the call that reads the rest. Where it takes " +
      "longer than a call may, state is `running`: go on with workspace_wait and the sequence. Raise timeout_seconds for builds " +
      "and test suites.",
  },
  input: execInput,
  output: execView,
  handler: async ({ workspaces }, { workspace_id: id, detach, ...input }, call) => {
    const listener = call.streaming && !detach ? call.output.bind(call) : undefined;
    const request = {
      id,
      command: input.command,
      cwd: input.cwd,
      timeoutMs: Math.round(input.timeout_seconds * 1000),
      waitMs: detach ? 0 : input.wait_seconds * 1000,
      outputBytes: listener === undefined ? input.max_output_bytes : 0,
    };
    const stdin = detach ? undefined : call.stdin;
    return viewOfExec(await workspaces.exec(request, { ...call, stdin, listener }));
  },
  ran: (result) => result,
});

const waitInput = z.strictObject({
  workspace_id: workspaceId,
  sequence: sequence.meta({ title: "SEQUENCE", description: "Number of the command." }),
  wait_seconds: z.number().min(0).max(86_400).default(86_400).describe("Answer after this long, also while it runs."),
  max_output_bytes: maxOutputBytes,
});

const waitMcpInput = ({ longestWait }: ToolTime) =>
  z.strictObject({
    workspace_id: workspaceId,
    sequence: waitInput.shape.sequence,
    wait_seconds: z
      .number()
      .min(0)
      .max(longestWait)
      .optional()
      .describe("Answer after this long, also while it runs; else as late as a call may."),
  });

export const workspaceWaitOperation = operation({
  name: "workspace_wait",
  title: "Wait for a command",
  summary: "Wait for a command that is still running in a workspace.",
  effect: "read",
  needs: "record",
  sdk: "waitWorkspace",
  cli: {
    path: ["workspace", "wait"],
    positionals: ["workspace_id", "sequence"],
    omit: ["max_output_bytes"],
  },
  mcp: (time) => ({
    ...mainLoop,
    input: waitMcpInput(time),
    fills: { max_output_bytes: modelOutputBytes },
    bounded: ["stdout", "stderr"],
    waits: "wait_seconds",
    description:
      "Goes on waiting for a command that workspace_exec left running, as long as a call may take. Returns the same as " +
      "workspace_exec. Canceling it leaves the command running.",
  }),
  input: waitInput,
  output: execView,
  handler: async ({ workspaces }, { workspace_id: id, sequence: of, ...input }, call) => {
    const request = { id, sequence: of, waitMs: input.wait_seconds * 1000, outputBytes: input.max_output_bytes };
    return viewOfExec(await workspaces.wait(request, call));
  },
  ran: (result) => result,
});

const logsInput = z.strictObject({
  workspace_id: workspaceId,
  sequence: sequence.optional().describe("Read one command's output instead of listing commands."),
  stream: z.enum(["stdout", "stderr"]).default("stdout").describe("With sequence: which stream."),
  offset: z.int().min(0).max(keptOutputBytes).default(0).describe("With sequence: byte to start at."),
  max_bytes: z.int().min(1).max(1_048_576).default(16_384).describe("With sequence: bytes at the most."),
});

const logsMcpInput = logsInput
  .extend({
    max_bytes: z
      .int()
      .min(1)
      .max(modelPageBytes)
      .default(16_384)
      .describe(logsInput.shape.max_bytes.description ?? ""),
  })
  .strict();

export const workspaceLogsOperation = operation({
  name: "workspace_logs",
  title: "Command history",
  summary: "List the commands run since create or the last reset.",
  effect: "read",
  needs: "record",
  sdk: "logsWorkspace",
  cli: {
    path: ["workspace", "logs"],
    positionals: ["workspace_id"],
    omit: ["sequence", "stream", "offset", "max_bytes"],
  },
  mcp: {
    ...mainLoop,
    input: logsMcpInput,
    bounded: ["output"],
    halves: "max_bytes",
    description:
      "Lists the commands since create or the last reset with their exit codes. With sequence it reads a command's output " +
      "from a byte offset on, for what workspace_exec left out.",
  },
  input: logsInput,
  output: z.object({
    workspace_id: z.string(),
    entries: z.array(
      z.object({
        sequence: z.int(),
        command: z.union([z.string(), z.array(z.string())]),
        cwd: z.string(),
        started_at: z.string(),
        ...outcomeView.shape,
        stdout_bytes: z.int(),
        stderr_bytes: z.int(),
        background: z
          .boolean()
          .default(false)
          .describe("It has ended and left processes running; what they print is kept."),
        output_removed: z.boolean().describe("To make room: a workspace keeps 1 GiB of outputs, the latest."),
      }),
    ),
    notes: z
      .array(z.object({ at: z.string(), text: z.string() }))
      .describe("What else happened that matters, such as a machine that was ended before it had written everything."),
    output: z.string().nullable().describe("With sequence: the text from offset on, whole characters."),
    output_base64: z.string().optional().describe("The bytes, where they are not UTF-8."),
    next_offset: z.int().nullable(),
    total_bytes: z.int().nullable(),
    sequence: z.int().nullable().default(null).describe("Of the command whose output this is."),
    stream: z.enum(["stdout", "stderr"]).nullable().default(null),
    offset: z.int().nullable().default(null).describe("Byte at which the output begins."),
  }),
  handler: async ({ workspaces }, { workspace_id: id, sequence: of, stream, offset, max_bytes: maxBytes }, call) => {
    if (of === undefined) {
      const { workspace, entries, notes } = await workspaces.history(id, call);
      const noOutput = { sequence: null, stream: null, offset: null };
      const nothing = { output: null, next_offset: null, total_bytes: null, ...noOutput };
      return { workspace_id: workspace.id, entries: entries.map(viewOfCommand), notes: [...notes], ...nothing };
    }
    const found = await workspaces.output({ id, sequence: of, stream, offset, maxBytes }, call);
    return {
      workspace_id: found.workspace.id,
      entries: [],
      notes: [],
      output: found.text,
      ...(found.base64 === undefined ? {} : { output_base64: found.base64 }),
      next_offset: found.nextOffset,
      total_bytes: found.totalBytes,
      sequence: of,
      stream,
      offset,
    };
  },
  text: (result) => {
    if (result.output !== null) return outputText({ ...result, output: result.output });
    return [
      ...result.entries.map((entry) => {
        const shown = typeof entry.command === "string" ? entry.command : entry.command.join(" ");
        const exit = entry.canceled ? "canceled" : `exit ${entry.exit_code ?? "?"}`;
        const end = entry.state === "exited" ? exit : entry.state;
        const gone = entry.output_removed ? "  [output removed]" : "";
        const left = entry.background ? "  [has left processes running]" : "";
        const reasons = reasonsOf(entry).filter((reason) => reason !== exit);
        const why = reasons.map((reason) => `  [${reason}]`);
        return `${String(entry.sequence).padStart(4)}  ${end.padEnd(9)} ${String(entry.duration_ms).padStart(7)} ms  ${visibleLine(shown)}${why.join("")}${left}${gone}`;
      }),
      ...result.notes.map(({ at, text }) => `      ${at}  ${text}.`),
    ].join("\n");
  },
});

interface OutputShown {
  readonly workspace_id: string;
  readonly output: string;
  readonly sequence: number | null;
  readonly stream: "stdout" | "stderr" | null;
  readonly offset: number | null;
  readonly next_offset: number | null;
  readonly total_bytes: number | null;
}

/** A page of output, and which it is where it is not all. */
function outputText({ workspace_id, output, sequence: of, stream, offset, ...page }: OutputShown): Said {
  const { next_offset: next, total_bytes: total } = page;
  if (of === null || stream === null || offset === null || next === null || total === null) return asSaid(output);
  if (offset === 0 && next >= total) return asSaid(output);
  const place = `bytes ${offset}–${next} of ${total}`;
  const rest = { workspace_id, sequence: of, stream, offset: next };
  // The command line has no such pages.
  const last =
    next < total
      ? say`[${place}${either(say`; ${call("workspace_logs", rest)} reads on`)}]`
      : `[${place}; this is the end]`;
  return say`${output}${output === "" || output.endsWith("\n") ? "" : "\n"}${last}`;
}

const summaryInput = z.strictObject({ workspace_id: workspaceId });

export const workspaceSummaryOperation = operation({
  name: "workspace_summary",
  title: "Summarize a workspace",
  summary: "Tell what happened since the last reset, short enough for a pull request.",
  effect: "read",
  needs: "beside",
  sdk: "summarizeWorkspace",
  cli: { path: ["workspace", "summary"], positionals: ["workspace_id"] },
  mcp: {
    ...besideLoop("what was done in a workspace, for a pull request"),
    input: summaryInput,
    description:
      "Tells what happened since create or the last reset: commands, files changed, exports, outcome. Markdown.",
  },
  input: summaryInput,
  output: z.object({ workspace_id: z.string(), summary: z.string().describe("Markdown.") }),
  handler: async ({ workspaces }, { workspace_id: id }, call) => {
    const { workspace, summary } = await workspaces.summary(id, call);
    return { workspace_id: workspace.id, summary };
  },
  text: (result) => result.summary,
});
