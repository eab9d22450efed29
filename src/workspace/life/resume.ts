// Owns what a new daemon does with the workspaces it finds: adopt, complete, or clean up. Never starts a machine.
import { asPyroError, type PyroError } from "../../base/error.js";
import { report, reportFault } from "../../base/report.js";
import type { LiveMachine, MachineHost } from "../../machine/machine-host.js";
import { mendJournal, readJournal, type ExecStarted } from "../record/journal.js";
import { emptyWorkspace } from "./lifecycle.js";
import { execEndLines, execEnds, lostExec } from "../record/exec-end.js";
import { useMachine } from "./machine.js";
import { followBackground } from "../program/background.js";
import { openOutputs, processIdOf } from "../program/output.js";
import { followExec } from "../program/running.js";
import type { WorkspaceStore } from "../record/store.js";
import type { Workspace } from "../workspace.js";

/** Milliseconds for a machine to say what runs in it. */
const listTimeoutMs = 5000;

/** Brings every workspace into a state that can be used; machines that belong to none are ended, those of a newer pyro's workspaces left alone. */
export async function resumeWorkspaces(store: WorkspaceStore, machines: MachineHost): Promise<void> {
  const adopted = new Map(machines.adopted.map((live) => [live.id, live]));
  const resumed = store.all().map(async (workspace) => {
    const live = adopted.get(workspace.record.machine_id ?? "");
    adopted.delete(workspace.record.machine_id ?? "");
    try {
      await resumeWorkspace(store, workspace, live);
    } catch (error) {
      // One that cannot be resumed must not keep the daemon from its start.
      await giveUp(workspace, live, asPyroError(error));
    }
  });
  await Promise.all(resumed);
  await endUnsteered(store, machines);
  // Nobody here may use the machine of a newer pyro's workspace, or end what runs in it.
  for (const { machineId } of store.newer) {
    adopted.get(machineId ?? "")?.session[Symbol.dispose]();
    adopted.delete(machineId ?? "");
  }
  for (const stray of adopted.values()) await stray[Symbol.asyncDispose]();
}

/** Before its workspace has another machine start on the same disk. */
async function endUnsteered(store: WorkspaceStore, { unsteered }: MachineHost): Promise<void> {
  const others = new Set(store.newer.map(({ machineId }) => machineId));
  const ended = unsteered.map(async ({ id, why, end }) => {
    const isOthers = others.has(id);
    report(isOthers ? "machine left as it is" : "machine ended, since it cannot be adopted", { machine: id, why });
    if (isOthers) return;
    await end().catch((error: unknown) => reportFault("machine not ended", error, { machine: id }));
  });
  await Promise.all(ended);
}

/** Ends its machine; the workspace starts again from its disk, or says what stands in the way. */
async function giveUp(workspace: Workspace, live: LiveMachine | undefined, why: PyroError): Promise<void> {
  reportFault("workspace not resumed", why, { workspace: workspace.id });
  const failure = { now: Date.now(), why: `Its machine could not be taken over: ${why.message}` };
  const { state } = workspace;
  const said =
    state.at === "running"
      ? workspace.change({ type: "ended", machine: state.machine, ...failure })
      : workspace.change({ type: "not_started", ...failure });
  await Promise.all([live?.[Symbol.asyncDispose](), said.catch(() => undefined)]);
}

async function resumeWorkspace(
  store: WorkspaceStore,
  workspace: Workspace,
  live: LiveMachine | undefined,
): Promise<void> {
  const isLeftRunning = workspace.state.at === "starting";
  if (!isLeftRunning) await live?.[Symbol.asyncDispose]();
  // Its caller never learnt of it.
  if (workspace.state.at === "creating") return store.remove(workspace);
  if (workspace.state.at === "failed") await workspace.enforce({ type: "reset" });
  if (workspace.state.at === "replacing") return emptyWorkspace(workspace);
  await mendJournal(workspace.files.journal);
  if (!isLeftRunning) return undefined;
  if (live === undefined) {
    await workspace.change({ type: "not_started", now: Date.now(), why: null });
    return closeJournal(workspace, new Set());
  }
  await useMachine(workspace, live);
  return followOn(workspace, live);
}

/** Follows the commands that an earlier daemon started, and what they left in the background, from where its copies of their output end. */
async function followOn(workspace: Workspace, { session }: LiveMachine): Promise<void> {
  const { processes } = await session.processes.list({}, { bound: { totalMs: listTimeoutMs } });
  const known = new Map(processes.map((each) => [each.processId, each]));
  const lines = await readJournal(workspace.files.journal);
  const ends = execEnds(lines);
  for (const started of lines.filter((line) => line.type === "exec_started")) {
    const { sequence } = started;
    const found = known.get(processIdOf(sequence));
    if (found === undefined) continue;
    const written = { stdout: found.stdoutBytes, stderr: found.stderrBytes };
    if (!ends.has(sequence)) await followExec(workspace, { session, started, written });
    else if (session.abilities.keepsBackground)
      followBackground(workspace, { session, sequence, files: await openOutputs(workspace, sequence, written) });
  }
  await closeJournal(workspace, new Set(workspace.execs.keys()));
}

async function openExecs(workspace: Workspace): Promise<ExecStarted[]> {
  const lines = await readJournal(workspace.files.journal);
  const ended = execEnds(lines);
  return lines.filter((line) => line.type === "exec_started").filter((line) => !ended.has(line.sequence));
}

/** Notes the end of commands whose machine or process is gone; one without a line is known as lost all the same. */
async function closeJournal(workspace: Workspace, running: ReadonlySet<number>): Promise<void> {
  for (const started of await openExecs(workspace)) {
    if (running.has(started.sequence)) continue;
    for (const line of execEndLines(started.sequence, lostExec)) await workspace.note(line).catch(() => undefined);
  }
}

/** Leaves everything that runs to the next daemon. */
export function handOver(store: WorkspaceStore): void {
  for (const workspace of store.all()) {
    const { live } = workspace;
    void workspace.change({ type: "hand_over" });
    live?.session[Symbol.dispose]();
  }
}
