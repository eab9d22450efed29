// Owns the operation that reads a file of a workspace. Never a whole tree.
import * as z from "zod";
import { asSaid, call, say, type Said } from "../base/say.js";
import { mainLoop } from "./offer.js";
import { operation } from "./operation.js";
import { fileEntries, guestPath, workspaceId } from "./workspace-fields.js";
import { listingText } from "./workspace-text.js";
import { viewOfFileEntry } from "./workspace-view.js";

/** Bytes of a file that one read may return. */
const maxReadBytes = 10 * 1024 * 1024;
/** Bytes, more than a workspace's disk has; so are lines. */
const maxOffset = 1024 ** 4;
/** Lines that a model gets at once: their numbers take room as well. */
const modelLines = 2000;

const lineNumber = z.int().min(1).max(maxOffset);
const byteOffset = z.int().min(0).max(maxOffset).optional();

const readInput = z.strictObject({
  workspace_id: workspaceId,
  path: guestPath,
  start_line: lineNumber.default(1).describe("Line to start at, from 1."),
  line_count: lineNumber.optional().describe("Lines at the most."),
  byte_offset: byteOffset.describe("Byte to start at, instead of a line."),
  max_bytes: z
    .int()
    .min(1)
    .max(maxReadBytes)
    .default(65_536)
    .describe("Bytes at the most; whole lines, and of a line that is longer whole characters."),
});

const readMcpInput = z.strictObject({
  workspace_id: workspaceId,
  path: guestPath,
  offset: lineNumber.default(1).describe("Line to start at, from 1."),
  limit: z.int().min(1).max(modelLines).default(modelLines).describe("Lines at the most."),
  byte_offset: byteOffset.describe("Byte to start at, within a long line."),
  max_bytes: z.int().min(1).max(24_000).default(20_000),
});

const output = z.object({
  workspace_id: z.string().describe("As it was named."),
  path: z.string(),
  content: z.string().describe("UTF-8; other bytes become U+FFFD. Empty for a folder."),
  content_base64: z.string().optional().describe("The bytes, where they are not UTF-8."),
  start_line: z
    .int()
    .nullable()
    .describe("Number of the first line; null where it is too far inside to count, and for a folder."),
  line_count: z.int().describe("Lines of which something is here."),
  total_lines: z.int().nullable().describe("Null where the file is too long to count them."),
  byte_offset: z.int().describe("Where the content begins."),
  next_byte_offset: z.int().nullable().describe("Where to read on; null at the end."),
  ends_line: z.boolean().describe("False where the content ends within a line that is too long."),
  total_bytes: z.int(),
  truncated: z.boolean(),
  entries: fileEntries.optional().describe("What is in a folder."),
  restarted: z.boolean(),
});

type Read = z.output<typeof output>;

export const workspaceFileReadOperation = operation({
  name: "workspace_file_read",
  title: "Read a file",
  summary: "Read a text file of a workspace, by lines.",
  effect: "read",
  needs: "beside",
  sdk: "readWorkspaceFile",
  cli: {
    path: ["workspace", "file", "read"],
    positionals: ["workspace_id", "path"],
    raw: { "content-only": "content" },
    saysRest: true,
  },
  mcp: {
    ...mainLoop,
    input: readMcpInput,
    names: { start_line: "offset", line_count: "limit" },
    bounded: ["content"],
    halves: "max_bytes",
    description:
      "Reads a text file under /workspace with line numbers. offset and limit are in lines; the last line says which of how many " +
      "these are and how to read on, also within a line that is too long. A folder gives its listing.",
    text: numbered,
  },
  input: readInput,
  output,
  handler: async ({ workspaces }, { workspace_id: id, path, ...input }, call) => {
    const lines = {
      startLine: input.start_line,
      lineCount: input.line_count ?? maxOffset,
      byteOffset: input.byte_offset,
    };
    const found = await workspaces.readFile({ id, path, ...lines, maxBytes: input.max_bytes }, call);
    const { text, base64, entries, totalBytes, ...read } = found;
    return {
      workspace_id: id,
      path: read.path,
      content: text,
      ...(base64 === undefined ? {} : { content_base64: base64 }),
      start_line: read.startLine,
      line_count: read.lineCount,
      total_lines: read.totalLines,
      ends_line: read.endsLine,
      byte_offset: read.byteOffset,
      next_byte_offset: read.nextByteOffset,
      total_bytes: totalBytes,
      truncated: read.truncated,
      restarted: read.restarted,
      ...(entries === undefined ? {} : { entries: entries.map(viewOfFileEntry) }),
    };
  },
  text: ({ content, entries }) => (entries === undefined ? content : listingText(entries)),
  note: (result) => (result.truncated ? placeOf(result) : ""),
});

/** As a model reads it: each line with its number, and at the end which lines these are. */
function numbered(result: Read): string | Said {
  const { content, entries, start_line: start } = result;
  if (entries !== undefined) {
    const listed = listingText(entries) || "(an empty folder)";
    return result.truncated ? say`${listed}\n[${placeOf(result)}]` : listed;
  }
  const lines = content.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const text = lines
    .map((line, index) => `${start === null ? "" : `${String(start + index).padStart(5)}\t`}${line}\n`)
    .join("");
  return say`${text}[${placeOf(result)}]`;
}

/** Which part it is, and the call that reads on. */
function placeOf(result: Read): Said {
  const { workspace_id, path, next_byte_offset: next } = result;
  const file = { workspace_id, path };
  if (result.entries !== undefined)
    return say`there is more in this folder; ${call("workspace_file_list", file)} lists it`;
  const place = linesText(result);
  if (next === null) return asSaid(place);
  const { start_line: start, line_count: count, total_lines: total } = result;
  const byBytes = call("workspace_file_read", { ...file, byte_offset: next });
  if (!result.ends_line)
    return say`${place}, cut within a line at byte ${next} of ${result.total_bytes}; ${byBytes} goes on`;
  if (start === null || total === null) return say`${place}; ${byBytes} reads on`;
  return say`${place}; ${call("workspace_file_read", { ...file, start_line: start + count })} reads on`;
}

function linesText(result: Read): string {
  const { start_line: start, line_count: count, total_lines: total, byte_offset: from, total_bytes: bytes } = result;
  if (bytes === 0) return "the file is empty";
  if (count === 0)
    return total === null ? `nothing from byte ${from} on; the file has ${bytes}` : `the file has ${total} lines`;
  const of = total === null ? "" : ` of ${total}`;
  if (start === null) return `${count} lines from byte ${from} of ${bytes} on`;
  return count === 1 ? `line ${start}${of}` : `lines ${start}–${start + count - 1}${of}`;
}
