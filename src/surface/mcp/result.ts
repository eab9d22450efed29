// Owns fitting a result into what chat hosts take. Never changes what a short result says.
import type { CallToolResult } from "@modelcontextprotocol/server";
import type { PyroError } from "../../base/error.js";
import { asSaid, call, say, spell, type Speaker } from "../../base/say.js";
import { sandboxEngine, sandboxNote } from "../../operations/fields.js";
import { backgroundText } from "../../operations/workspace-text.js";
import { reasonsOf } from "../../process/outcome.js";
import type { Operation, RanCommand } from "../../operations/operation.js";
import type { WireResult } from "../connection.js";
import { cut, shrink, type Bounds } from "./shrink.js";
import { mcpShapeOf } from "./tools.js";

/** Characters of a whole result as JSON, and of each output stream in it. */
export const maxResultLength = 60_000;
export const maxStreamLength = 20_000;

export function toolResult(operation: Operation, result: WireResult, speaker: Speaker): CallToolResult {
  let last: CallToolResult = { content: [] };
  for (const bounds of boundsToTry()) {
    const { value: structuredContent, leftOut } = shrink(result, bounds, Object.keys(operation.output.shape));
    const notes = leftOut === 0 ? "" : `\n[… ${leftOut} more left out here; ask for fewer at once …]`;
    const text = `${describe(operation, structuredContent, speaker)}${notes}`;
    last = { content: [{ type: "text", text }], structuredContent };
    if (JSON.stringify(last).length <= maxResultLength) break;
  }
  return last;
}

export function toolError(error: PyroError): CallToolResult {
  const { message, ...rest } = error.toBody();
  const body = { ...rest, message: cut(message, maxStreamLength) };
  return {
    isError: true,
    content: [{ type: "text", text: `${body.code}: ${body.message}\n${body.hint}` }],
    structuredContent: { error: body },
  };
}

/** Lists become shorter first: a list with less in it is of more use than a text with a hole. */
function* boundsToTry(): Generator<Bounds> {
  const fewest = 20;
  for (const items of [1000, 400, 150, 60]) yield { characters: maxStreamLength, items };
  for (let characters = maxStreamLength; characters >= 1; characters = Math.floor(characters * 0.8)) {
    yield { characters, items: fewest };
  }
}

/** For hosts that show the model the text only. */
function describe(operation: Operation, result: WireResult, speaker: Speaker): string {
  const whole = operation.output.parse(result);
  const ran = operation.ran?.(whole);
  if (ran !== undefined) return describeRun(ran, speaker);
  const empty = mcpShapeOf(operation)?.emptyText ?? "(nothing)";
  const text =
    spell(asSaid(operation.text?.(whole) ?? ""), speaker) || (typeof empty === "string" ? empty : empty(whole));
  const note = spell(asSaid(operation.note?.(whole) ?? ""), speaker);
  return note === "" ? text : `${text}\n${note}`;
}

/** In its head what became of the command, then what it wrote. */
function describeRun(ran: RanCommand, speaker: Speaker): string {
  const { stdout, stderr, duration_ms: duration } = ran;
  const head = `[${[...endOf(ran, speaker), ...leftOut(ran, speaker), `${duration} ms`].join(", ")}]`;
  return [head, stdout.replace(/\n$/u, ""), stderr === "" ? "" : `[stderr]\n${stderr}`]
    .filter((part) => part !== "")
    .join("\n");
}

/** Where the rest of a command's output is; that of vm_run is nowhere. */
function leftOut(ran: RanCommand, speaker: Speaker): readonly string[] {
  const { sequence, stdout_truncated: stdout, stderr_truncated: stderr } = ran;
  if (sequence === undefined || !(stdout || stderr)) return [];
  const stream = stdout ? "stdout" : "stderr";
  return [spell(say`${call("workspace_logs", { sequence, stream, offset: 0 })} reads what was left out`, speaker)];
}

function endOf(ran: RanCommand, speaker: Speaker): readonly string[] {
  const notes = [
    ...(ran.sequence === undefined ? [] : [`command ${ran.sequence}`]),
    ...reasonsOf(ran),
    ...(ran.engine === sandboxEngine ? [sandboxNote] : []),
    ...(ran.restarted === true ? ["the workspace was stopped and has been started"] : []),
    ...[spell(backgroundText(ran.background_commands ?? []), speaker)].filter((note) => note !== ""),
  ];
  switch (ran.state) {
    case "running":
      return [
        spell(say`still running; call ${call("workspace_wait", { sequence: ran.sequence ?? 0 })}`, speaker),
        ...notes,
      ];
    case "lost":
      return ["lost: its machine went away before it ended", ...notes];
    case "exited":
      return [`exit code ${ran.exit_code ?? "unknown"}`, ...notes];
  }
}
