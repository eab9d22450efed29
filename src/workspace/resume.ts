// Owns what a new daemon does with the workspaces it finds: adopt, complete, or clean up. Never starts a machine.
import { appendFile, readFile } from "node:fs/promises";
import type { LiveMachine, MachineHost } from "../machine/machine-host.js";
import { readJournal, type ExecStarted } from "./journal.js";
import { emptyWorkspace } from "./lifecycle.js";
import { lostExec } from "./exec.js";
import { keptOutputBytes } from "./output-file.js";
import { useMachine } from "./running.js";
import { followExec, processIdOf } from "./running-exec.js";
import type { WorkspaceStore } from "./store.js";
import type { Workspace } from "./workspace.js";

/** Brings every workspace into a state that can be used; machines that belong to none are ended, those of a newer pyro's workspaces left alone. */
export async function resumeWorkspaces(store: WorkspaceStore, machines: MachineHost): Promise<void> {
  const adopted = new Map(machines.adopted.map((live) => [live.id, live]));
  for (const workspace of store.all()) {
    const live = adopted.get(workspace.record.machine_id ?? "");
    adopted.delete(workspace.record.machine_id ?? "");
    await resumeWorkspace(store, workspace, live);
  }
  // Nobody here may use the machine of a newer pyro's workspace, or end what runs in it.
  for (const { machineId } of store.newer) {
    adopted.get(machineId ?? "")?.session[Symbol.dispose]();
    adopted.delete(machineId ?? "");
  }
  for (const stray of adopted.values()) await stray[Symbol.asyncDispose]();
}

async function resumeWorkspace(
  store: WorkspaceStore,
  workspace: Workspace,
  live: LiveMachine | undefined,
): Promise<void> {
  const { state } = workspace.record;
  if (state === "creating") {
    // Its caller never learnt of it.
    await live?.[Symbol.asyncDispose]();
    return store.remove(workspace);
  }
  if (state === "resetting") {
    await live?.[Symbol.asyncDispose]();
    return emptyWorkspace(workspace);
  }
  await mendJournal(workspace);
  if (live !== undefined) {
    await useMachine(workspace, live);
    await followOn(workspace, live);
  } else if (state === "running") {
    await workspace.save({ state: "stopped", machine_id: null, stopped_at: new Date().toISOString() });
    await closeJournal(workspace, new Set());
  }
  return undefined;
}

/** Follows the commands that an earlier daemon started, from where its copies of their output end. */
async function followOn(workspace: Workspace, { session }: LiveMachine): Promise<void> {
  const { processes } = await session.processes.list({});
  const known = new Map(processes.map((each) => [each.processId, each]));
  const open = await openExecs(workspace);
  for (const started of open) {
    const found = known.get(processIdOf(started.sequence));
    if (found === undefined) continue;
    // What the guest may already have dropped is what no file would have kept either.
    const beyond = (bytes: bigint) => (bytes > BigInt(keptOutputBytes) ? bytes : 0n);
    const from = { stdout: beyond(found.stdoutBytes), stderr: beyond(found.stderrBytes) };
    await followExec(workspace, { session, started, from });
  }
  await closeJournal(workspace, new Set(workspace.execs.keys()));
}

async function openExecs(workspace: Workspace): Promise<ExecStarted[]> {
  const lines = await readJournal(workspace.files.journal);
  const ended = new Set(lines.flatMap((line) => (line.type === "exec_ended" ? [line.sequence] : [])));
  return lines.filter((line) => line.type === "exec_started").filter((line) => !ended.has(line.sequence));
}

/** Notes the end of commands whose machine or process is gone. */
async function closeJournal(workspace: Workspace, running: ReadonlySet<number>): Promise<void> {
  for (const started of await openExecs(workspace)) {
    if (!running.has(started.sequence)) await workspace.note(lostExec(started));
  }
}

/** A line that was torn when the daemon died must not swallow the next one. */
async function mendJournal({ files }: Workspace): Promise<void> {
  const text = await readFile(files.journal, "utf8").catch(() => "");
  if (text !== "" && !text.endsWith("\n")) await appendFile(files.journal, "\n");
}

/** Leaves everything that runs to the next daemon. */
export function handOver(store: WorkspaceStore): void {
  for (const workspace of store.all()) {
    workspace.handedOver = true;
    workspace.live?.session[Symbol.dispose]();
  }
}
