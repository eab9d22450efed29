// Owns what is measured about a workspace on the host. Never asks its guest.
import { readFile } from "node:fs/promises";
import { allocatedBytes } from "../disk/inspect.js";
import type { Workspace } from "./workspace.js";

export type WorkspaceStatus = Awaited<ReturnType<typeof workspaceStatus>>;

export async function workspaceStatus(workspace: Workspace) {
  const { live } = workspace;
  return {
    workspace,
    engine: live?.machine.engine ?? null,
    accelerator: live?.machine.accelerator ?? null,
    diskBytes: await allocatedBytes(workspace.files.disk),
    memoryBytes: live === undefined ? 0 : await privateBytes(live.machine.pid),
    pausedReason: live?.machine.pausedReason() ?? null,
    runningCommands: [...workspace.execs.keys()],
    backgroundCommands: [...workspace.background.keys()],
  };
}

/** Memory that no other machine shares with it. */
async function privateBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  const kib = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gmu)].map((match) => Number(match[1]));
  return kib.reduce((sum, each) => sum + each, 0) * 1024;
}
