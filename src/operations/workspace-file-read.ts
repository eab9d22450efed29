// Owns the operation that reads a file of a workspace. Never a whole tree.
import * as z from "zod";
import { operation } from "./operation.js";
import { guestPath, workspaceId } from "./workspace-fields.js";

const core = ["workspace-core", "workspace-full"] as const;
/** Bytes of a file that one read may return. */
const maxReadBytes = 10 * 1024 * 1024;
/** Bytes, more than a workspace's disk has. */
const maxOffset = 1024 ** 4;

const readInput = z.strictObject({
  workspace_id: workspaceId,
  path: guestPath,
  offset: z.int().min(0).max(maxOffset).default(0).describe("Byte to start at."),
  max_bytes: z.int().min(1).max(maxReadBytes).default(65_536).describe("Bytes at the most."),
});
const readMcpInput = readInput.extend({ max_bytes: z.int().min(1).max(24_000).default(20_000) }).strict();

export const workspaceFileReadOperation = operation({
  name: "workspace_file_read",
  title: "Read a file",
  summary: "Read a text file of a workspace.",
  effect: "read",
  needs: "beside",
  sdk: "readWorkspaceFile",
  cli: {
    path: ["workspace", "file", "read"],
    positionals: ["workspace_id", "path"],
    omit: ["offset"],
    raw: { "content-only": "content" },
  },
  mcp: {
    profiles: core,
    input: readMcpInput,
    description: "Reads a text file under /workspace. Says truncated and total_bytes; offset reads on.",
  },
  input: readInput,
  output: z.object({
    path: z.string(),
    content: z.string().describe("UTF-8; other bytes become U+FFFD."),
    content_base64: z.string().optional().describe("The bytes, where they are not UTF-8."),
    total_bytes: z.int(),
    truncated: z.boolean(),
    restarted: z.boolean(),
  }),
  handler: async ({ workspaces }, { workspace_id: id, path, offset, max_bytes: maxBytes }, call) => {
    const { text, base64, totalBytes, ...read } = await workspaces.readFile({ id, path, offset, maxBytes }, call);
    const bytes = base64 === undefined ? {} : { content_base64: base64 };
    return { ...read, content: text, ...bytes, total_bytes: totalBytes };
  },
  text: (result) => result.content,
});
