// Owns fitting a result into what chat hosts take. Never changes what a short result says.
import type { CallToolResult } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { PyroError } from "../../base/error.js";
import { asSaid, call, say, spell, type Speaker } from "../../base/say.js";
import { sandboxEngine, sandboxNote } from "../../operations/fields.js";
import { backgroundText } from "../../operations/workspace-text.js";
import { gapLine, outputGap } from "../../process/excerpt.js";
import { reasonsOf } from "../../process/outcome.js";
import type { Operation, RanCommand } from "../../operations/operation.js";
import type { WireResult } from "../connection.js";
import { cut, shrink, type Bounds } from "./shrink.js";
import { mcpShapeOf } from "./tools.js";

/** Characters of each channel of a result, the structured one as JSON, and of each text in it that nothing else bounds. */
export const maxChannelLength = 48_000;
export const maxTextLength = 24_000;
/** Of an error. */
const maxErrorLength = 8000;

export function toolResult(operation: Operation, result: WireResult, speaker: Speaker): CallToolResult {
  let last: CallToolResult = { content: [] };
  const told = withCalls(result, speaker);
  for (const bounds of boundsToTry(mcpShapeOf(operation)?.bounded ?? [])) {
    const { value: structuredContent, leftOut } = shrink(told, bounds, Object.keys(operation.output.shape));
    const notes = leftOut === 0 ? "" : `\n[… ${leftOut} more left out here; ask for fewer at once …]`;
    const text = `${describe(operation, structuredContent, speaker)}${notes}`;
    last = { content: [{ type: "text", text }], structuredContent };
    if (fits(last)) break;
  }
  return last;
}

/** Whether what the operation itself bounds leaves room for the rest. */
export function hasRoom(operation: Operation, result: WireResult): boolean {
  const bounded = (mcpShapeOf(operation)?.bounded ?? []).map((field) => result[field]);
  return JSON.stringify(bounded).length <= maxChannelLength * 0.9;
}

/** Whether each channel is within what hosts take. */
function fits({ content, structuredContent }: CallToolResult): boolean {
  const lengths = content.map((block) => (block.type === "text" ? block.text.length : 0));
  return Math.max(...lengths, JSON.stringify(structuredContent ?? {}).length) <= maxChannelLength;
}

/** Where output is left out, with the call that reads it. */
function withCalls(result: WireResult, speaker: Speaker): WireResult {
  const told = { ...result };
  for (const stream of ["stdout", "stderr"]) {
    const gap = outputGap.safeParse(result[`${stream}_gap`]).data;
    const text = result[stream];
    if (gap === undefined || typeof text !== "string") continue;
    const before = text.slice(0, gap.at);
    const after = text.slice(gap.at + gapLine(gap).length);
    told[stream] = `${before}${gapLine(gap, howToRead(result, { stream, offset: gap.byte_offset }, speaker))}${after}`;
  }
  return told;
}

/** Nothing keeps the output of a machine that is gone. */
function howToRead(
  result: WireResult,
  place: { readonly stream: string; readonly offset: number },
  speaker: Speaker,
): string {
  const { workspace_id: id, sequence } = ranIn.parse(result);
  if (id === undefined || sequence === undefined) return "; run it with less output (grep, head, tail, sed -n)";
  return spell(say`; ${call("workspace_logs", { workspace_id: id, sequence, ...place })} reads it`, speaker);
}

const ranIn = z.looseObject({ workspace_id: z.string().optional(), sequence: z.int().optional() });

export function toolError(error: PyroError): CallToolResult {
  const { message, ...rest } = error.toBody();
  const body = { ...rest, message: cut(message, maxErrorLength) };
  return {
    isError: true,
    content: [{ type: "text", text: `${body.code}: ${body.message}\n${body.hint}` }],
    structuredContent: { error: body },
  };
}

/** Lists become shorter first: a list with less in it is of more use than a text with a hole. What is cut already comes last. */
function* boundsToTry(bounded: readonly string[]): Generator<Bounds> {
  const fewest = 20;
  const kept = bounded.length === 0 ? [] : [{ whole: bounded, least: 1000 }];
  for (const { whole, least } of [...kept, { whole: [], least: 1 }]) {
    for (const items of [1000, 400, 150, 60]) yield { characters: maxTextLength, items, whole };
    for (let characters = maxTextLength; characters >= least; characters = Math.floor(characters * 0.8)) {
      yield { characters, items: fewest, whole };
    }
  }
}

/** For hosts that show the model the text only. */
function describe(operation: Operation, result: WireResult, speaker: Speaker): string {
  const whole = operation.output.parse(result);
  const ran = operation.ran?.(whole);
  if (ran !== undefined) return describeRun(ran, speaker);
  const shape = mcpShapeOf(operation);
  if (shape?.text !== undefined) return spell(asSaid(shape.text(whole)), speaker);
  const empty = shape?.emptyText ?? "(nothing)";
  const text =
    spell(asSaid(operation.text?.(whole) ?? ""), speaker) || (typeof empty === "string" ? empty : empty(whole));
  const note = spell(asSaid(operation.note?.(whole) ?? ""), speaker);
  return note === "" ? text : `${text}\n${note}`;
}

/** In its head what became of the command, then what it wrote. */
function describeRun(ran: RanCommand, speaker: Speaker): string {
  const { stdout, stderr, duration_ms: duration } = ran;
  const head = `[${[...endOf(ran, speaker), `${duration} ms`].join(", ")}]`;
  return [head, stdout.replace(/\n$/u, ""), stderr === "" ? "" : `[stderr]\n${stderr}`]
    .filter((part) => part !== "")
    .join("\n");
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
