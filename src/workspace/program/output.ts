// Owns where the output of a workspace's commands lies on the host, and its opening. Never reads it.
import { join } from "node:path";
import { openOutputFile } from "../../process/output-file.js";
import type { OutputLog } from "../../process/output-log.js";
import type { OutputCursors } from "../../process/program.js";
import type { Workspace } from "../workspace.js";

export type OutputLogs = Readonly<Record<"stdout" | "stderr", OutputLog>>;

/** Of a command in the guest. */
export function processIdOf(sequence: number): string {
  return `e${sequence}`;
}

export function outputPaths(workspace: Workspace, sequence: number): Record<"stdout" | "stderr", string> {
  const at = (ending: string) => join(workspace.files.output, `${sequence}.${ending}`);
  return { stdout: at("out"), stderr: at("err") };
}

/** `written`: all that the guest has of a command that an earlier daemon has followed. */
export async function openOutputs(
  workspace: Workspace,
  sequence: number,
  written?: OutputCursors,
): Promise<OutputLogs> {
  const paths = outputPaths(workspace, sequence);
  const room = (bytes: number) => workspace.outputs.take(bytes);
  return {
    stdout: await openOutputFile({ path: paths.stdout, room }, written?.stdout),
    stderr: await openOutputFile({ path: paths.stderr, room }, written?.stderr),
  };
}
