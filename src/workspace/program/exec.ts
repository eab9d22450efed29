// Owns running a command in a workspace and waiting for it. Never blocks longer than its caller asked.
import { mkdir } from "node:fs/promises";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { crashPoint } from "../../base/crash-point.js";
import { PyroError } from "../../base/error.js";
import { requireRoom } from "../../base/free-room.js";
import { commandStarted, type Task } from "../../base/progress.js";
import { call, say } from "../../base/say.js";
import { guestEnvironment, loginShell } from "../../guest/environment.js";
import { pumpGuestInput } from "../../process/input.js";
import { excerptsOf, type OutputExcerpt } from "../../process/excerpt.js";
import { readOutputFile } from "../../process/output-file.js";
import { sendGuestSignal, startGuestProgram } from "../../process/program.js";
import type { LiveMachine } from "../../machine/machine-host.js";
import { enter, type Door, type Inside, type NeedInside } from "../access.js";
import { execEnds, lostExec, type ExecEnd } from "../record/exec-end.js";
import { readJournal, reserveJournal, type ExecStarted } from "../record/journal.js";
import { outputPaths, processIdOf } from "./output.js";
import { followExec, type OutputListener } from "./running.js";
import type { RunningExec } from "./running-exec.js";
import type { Workspace } from "../workspace.js";

export interface ExecRequest {
  /** A string is run by the guest's login shell, a list directly. */
  readonly command: string | readonly string[];
  readonly cwd: string;
  readonly timeoutMs: number;
  /** Milliseconds to wait for the end; then the result says `running`. */
  readonly waitMs: number;
  /** Bytes of both streams in the result; more comes as head and tail. */
  readonly outputBytes: number;
}

export interface ExecCaller extends Task {
  readonly stdin?: Readable | undefined;
  /** Gets output as it happens; then the result holds none. */
  readonly listener?: OutputListener | undefined;
  onSignal?(listener: (name: string) => void): void;
}

export interface ExecResult {
  readonly workspace: Workspace;
  readonly started: ExecStarted;
  /** Absent while it runs. */
  readonly ended: ExecEnd | undefined;
  readonly stdout: OutputExcerpt;
  readonly stderr: OutputExcerpt;
  readonly restarted: boolean;
  /** Commands that have ended and left something running; what that prints is kept. */
  readonly background: readonly number[];
}

/** Milliseconds between two progress events while a command runs. */
const progressIntervalMs = 2000;

export async function execInWorkspace(
  { id, needs, ...door }: Door & { readonly id: string; readonly needs: NeedInside },
  { request, caller }: { readonly request: ExecRequest; readonly caller: ExecCaller },
): Promise<ExecResult> {
  const began = performance.now();
  const work = async ({ workspace, live }: Inside) => ({
    running: await startExec({ workspace, live, request, caller }),
    workspace,
    machine: live.machine,
  });
  const { running, workspace, machine, restarted } = await enter(door, { id, needs, work }, caller);
  const cancel = () => running.cancel();
  if (caller.signal.aborted) cancel();
  caller.signal.addEventListener("abort", cancel, { once: true });
  try {
    const waitMs = Math.max(0, request.waitMs - (performance.now() - began));
    const ended = await waitFor(running, { workspace, waitMs, task: caller, stalled: machine.stalled() });
    caller.signal.throwIfAborted();
    const { started } = running;
    return { ...(await describe(workspace, { started, ended, outputBytes: request.outputBytes })), restarted };
  } finally {
    caller.signal.removeEventListener("abort", cancel);
  }
}

export interface WaitRequest {
  readonly sequence: number;
  readonly waitMs: number;
  readonly outputBytes: number;
}

/** Goes on waiting for a command; aborting only ends the wait. */
export async function waitInWorkspace(workspace: Workspace, request: WaitRequest, task: Task): Promise<ExecResult> {
  const running = workspace.execs.get(request.sequence);
  if (running !== undefined) {
    const stalled = workspace.live?.machine.stalled() ?? new AbortController().signal;
    const ended = await waitFor(running, { workspace, waitMs: request.waitMs, task, stalled });
    const { started } = running;
    return { ...(await describe(workspace, { started, ended, outputBytes: request.outputBytes })), restarted: false };
  }
  const isStarting = workspace.starting.has(request.sequence);
  const lines = await readJournal(workspace.files.journal);
  const started = lines.find((line) => line.type === "exec_started" && line.sequence === request.sequence);
  if (started?.type !== "exec_started") {
    throw new PyroError("not_found", `Workspace ${workspace.id} has no command with sequence ${request.sequence}.`, {
      hint: say`${call("workspace_logs", { workspace_id: workspace.id })} lists the commands since create or the last reset.`,
    });
  }
  const ended = execEnds(lines).get(request.sequence) ?? (isStarting ? undefined : lostExec);
  return { ...(await describe(workspace, { started, ended, outputBytes: request.outputBytes })), restarted: false };
}

async function startExec(start: Start): Promise<RunningExec> {
  const { workspace } = start;
  const sequence = workspace.record.next_sequence;
  workspace.starting.add(sequence);
  try {
    return await startAs(sequence, start);
  } finally {
    workspace.starting.delete(sequence);
  }
}

interface Start {
  readonly workspace: Workspace;
  readonly live: LiveMachine;
  readonly request: ExecRequest;
  readonly caller: ExecCaller;
}

async function startAs(sequence: number, { workspace, live, request, caller }: Start): Promise<RunningExec> {
  const { session } = live;
  const commandBytes = Buffer.byteLength(JSON.stringify(request.command));
  await requireRoom({ path: workspace.files.folder, bytes: commandBytes, what: "Running a command" });
  await Promise.all([
    workspace.save({ next_sequence: sequence + 1 }),
    mkdir(workspace.files.output, { recursive: true }),
    reserveJournal(workspace.files.journal),
  ]);
  const command = typeof request.command === "string" ? request.command : [...request.command];
  const line = { sequence, command, cwd: request.cwd, timeout_seconds: request.timeoutMs / 1000 };
  await workspace.note({ type: "exec_started", ...line });
  const processId = processIdOf(sequence);
  const program = {
    argv: typeof command === "string" ? loginShell(command) : command,
    env: guestEnvironment(workspace.environment),
    cwd: request.cwd,
    timeoutMs: request.timeoutMs,
    stdin: caller.stdin,
  };
  // Not the caller's signal: a start that is cut off half way leaves a program that nobody follows or kills.
  const ends = AbortSignal.any([workspace.calls, live.machine.stalled()]);
  await startGuestProgram(session, { processId, program }, ends);
  crashPoint("command begun in the guest");
  const started: ExecStarted = { type: "exec_started", at: new Date().toISOString(), ...line };
  const running = await followExec(workspace, { session, started, listener: caller.listener });
  caller.onSignal?.((name) => sendGuestSignal(session, processId, name));
  caller.progress(commandStarted);
  const inputEnds = new AbortController();
  void running.ended.then(() => inputEnds.abort());
  void pumpGuestInput({ session, processId, stdin: caller.stdin }, inputEnds.signal).catch(() => undefined);
  return running;
}

interface Wait {
  readonly workspace: Workspace;
  readonly waitMs: number;
  readonly task: Task;
  /** Aborted when the machine cannot go on for now: the command is not lost, only the wait ends. */
  readonly stalled: AbortSignal;
}

async function waitFor(running: RunningExec, { workspace, waitMs, task, stalled }: Wait): Promise<ExecEnd | undefined> {
  const over = new AbortController();
  const until = AbortSignal.any([task.signal, over.signal, stalled]);
  const ticker = setInterval(() => {
    task.progress({ phase: "exec", message: commandStarted.message, done: running.outputBytes(), unit: "bytes" });
  }, progressIntervalMs);
  // Node's timers end at 2^31 ms; nobody waits longer than that.
  const limit = delay(Math.min(waitMs, 2 ** 31 - 1), undefined, { signal: until }).catch(() => undefined);
  try {
    const ended = await Promise.race([running.ended, limit]);
    if (ended === undefined) stalled.throwIfAborted();
    else await Promise.race([workspace.background.get(running.started.sequence)?.ended, grace(until)]);
    return ended;
  } finally {
    clearInterval(ticker);
    over.abort();
  }
}

/** Milliseconds for what ends right behind its shell, which is not worth telling of. */
const backgroundGraceMs = 100;

function grace(signal: AbortSignal): Promise<void> {
  return delay(backgroundGraceMs, undefined, { signal }).catch(() => undefined);
}

interface Shown {
  readonly started: ExecStarted;
  readonly ended: ExecEnd | undefined;
  readonly outputBytes: number;
}

async function describe(workspace: Workspace, { started, ended, outputBytes }: Shown) {
  const paths = outputPaths(workspace, started.sequence);
  const streams = { stdout: readOutputFile(paths.stdout), stderr: readOutputFile(paths.stderr) };
  const isOpen = ended === undefined || workspace.background.has(started.sequence);
  const excerpts = await excerptsOf(streams, { maxBytes: outputBytes, isOpen });
  return { workspace, started, ended, ...excerpts, background: [...workspace.background.keys()] };
}
