// Owns what is measured about a workspace on the host. Never asks its guest.
import { readFile } from "node:fs/promises";
import { allocatedBytes } from "../disk/inspect.js";
import { workspaceView } from "./view.js";
import type { Workspace } from "./workspace.js";

export async function workspaceStatus(workspace: Workspace) {
  const { live } = workspace;
  return {
    ...workspaceView(workspace),
    engine: live?.machine.engine ?? null,
    accelerator: live?.machine.accelerator ?? null,
    disk_bytes: await allocatedBytes(workspace.files.disk),
    memory_bytes: live === undefined ? 0 : await privateBytes(live.machine.pid),
    paused_reason: live?.machine.pausedReason() ?? null,
    running_commands: [...workspace.execs.keys()],
    service_count: 0,
    running_service_count: 0,
    shell_count: 0,
  };
}

/** Memory that no other machine shares with it. */
async function privateBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  const kib = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gmu)].map((match) => Number(match[1]));
  return kib.reduce((sum, each) => sum + each, 0) * 1024;
}
