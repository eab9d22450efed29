// Owns how an entry of the daemon's log looks to a person. Never lets it steer a terminal.
import * as z from "zod";
import type { Fault } from "../base/report.js";
import { visible, visibleLine } from "../base/visible.js";

/** A line: time, event and fields; below it, indented, why it went no faster way, lists, and a fault down to its first cause. */
export function logText(entry: Readonly<Record<string, unknown>>): string {
  const { at, event, fault, ...fields } = entry;
  const all = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const words = all.flatMap(([name, value]) =>
    isText(value) ? [`${visibleLine(name)}=${quoted(String(value))}`] : [],
  );
  const lists = all.flatMap(([name, value]) => (isText(value) ? [] : listLines(name, value)));
  const known = faultSchema.safeParse(fault);
  const head = [timeOf(at), visibleLine(String(event)), ...words].join("  ");
  return [head, ...lists, ...(known.success ? faultLines(known.data) : [])].join("\n");
}

const faultSchema: z.ZodType<Fault> = z.object({
  message: z.string(),
  code: z.string().exactOptional(),
  stack: z.string(),
  get cause() {
    return faultSchema.exactOptional();
  },
});

const indent = "    ";

/** RFC 3339, without what is the same in every line. */
function timeOf(at: unknown): string {
  return visibleLine(String(at)).replace("T", " ").replace("Z", "");
}

function isText(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

function quoted(text: string): string {
  return /^[^\s"=]+$/u.test(text) ? visibleLine(text) : `"${visibleLine(text)}"`;
}

function listLines(name: string, value: unknown): readonly string[] {
  const items = Array.isArray(value) ? value : [value];
  const lines = items.map((item) => (typeof item === "string" ? item : JSON.stringify(item)));
  return lines.map((line) => `${indent}${visibleLine(name)}: ${block(line)}`);
}

/** Text of several lines, each below the first. */
function block(text: string): string {
  return visible(text).replaceAll("\n", `\n${indent}${indent}`);
}

function faultLines({ message, code, stack, cause }: Fault, lead = ""): readonly string[] {
  const head = `${indent}${lead}${code === undefined ? "" : `${visibleLine(code)}: `}${block(message)}`;
  const frames = stack === "" ? [] : stack.split("\n").map((frame) => `${indent}${indent}${visibleLine(frame)}`);
  return [head, ...frames, ...(cause === undefined ? [] : faultLines(cause, "caused by: "))];
}
