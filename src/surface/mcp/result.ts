// Owns fitting a result into what chat hosts take. Never changes what a short result says.
import type { CallToolResult } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { PyroError } from "../../base/error.js";
import { commandOutcome } from "../../operations/fields.js";
import type { Operation } from "../../operations/operation.js";
import type { WireResult } from "../connection.js";

/** Characters of a whole result as JSON, and of each output stream in it. */
export const maxResultLength = 60_000;
export const maxStreamLength = 20_000;

export function toolResult(operation: Operation, result: WireResult): CallToolResult {
  for (let limit = maxStreamLength; ; limit = Math.floor(limit * 0.8)) {
    const structuredContent = shorten(result, limit);
    const text = describe(operation, structuredContent);
    const fitted: CallToolResult = { content: [{ type: "text", text }], structuredContent };
    if (limit < 1 || JSON.stringify(fitted).length <= maxResultLength) return fitted;
  }
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

/** Fields that MCP clients do not get: bytes as base64 would be cut to nothing of use. */
export function isLeftOut(field: string): boolean {
  return field.endsWith("_base64");
}

/** Long texts as head and tail. */
function shorten(result: WireResult, limit: number): Record<string, unknown> {
  const entries = Object.entries(result).filter(([name]) => !isLeftOut(name));
  const short = Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "string" ? cut(value, limit) : value]),
  );
  for (const [name, value] of entries) {
    const flag = `${name}_truncated`;
    if (flag in short && short[name] !== value) short[flag] = true;
  }
  return short;
}

/** At most about `limit` characters; says how many are missing, and how to get at them. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const head = text.slice(0, half).replace(/[\uD800-\uDBFF]$/u, "");
  const tail = half === 0 ? "" : text.slice(-half).replace(/^[\uDC00-\uDFFF]/u, "");
  const missing = text.length - head.length - tail.length;
  return `${head}\n[… ${missing} characters cut here; call again with the output filtered (grep, head, tail, sed -n) …]\n${tail}`;
}

const outcome = z.object(commandOutcome);

/** For hosts that show the model the text only. */
function describe(operation: Operation, result: WireResult): string {
  const ran = outcome.safeParse(result);
  if (!ran.success) return operation.text(operation.output.parse(result));
  const { exit_code, timed_out, oom_killed, duration_ms, stdout, stderr } = ran.data;
  const notes = [
    `exit code ${exit_code}`,
    ...(timed_out ? ["timed out"] : []),
    ...(oom_killed ? ["out of memory"] : []),
  ];
  const streams = [stdout.replace(/\n$/u, ""), stderr === "" ? "" : `[stderr]\n${stderr}`];
  return [`[${notes.join(", ")}, ${duration_ms} ms]`, ...streams].filter((part) => part !== "").join("\n");
}
