// Owns one command in a workspace while it runs: follows it, keeps its output, learns its end. Never starts it.
import { asPyroError } from "../../base/error.js";
import { reportFault } from "../../base/report.js";
import type { GuestSession } from "../../guest/session.js";
import { notExited } from "../../process/outcome.js";
import {
  followGuestProgram,
  killGuestProgram,
  releaseGuestProgram,
  type OutputCursors,
} from "../../process/program.js";
import { execEndLines, type ExecEnd } from "../record/exec-end.js";
import type { ExecStarted } from "../record/journal.js";
import { followBackground } from "./background.js";
import { openOutputs, processIdOf } from "./output.js";
import type { RunningExec } from "./running-exec.js";
import type { Workspace } from "../workspace.js";

/** Gets output as it happens; the program waits for it. */
export type OutputListener = (stream: "stdout" | "stderr", data: Uint8Array) => Promise<void>;

export interface Following {
  readonly session: GuestSession;
  readonly started: ExecStarted;
  readonly listener?: OutputListener | undefined;
  /** Of a command that an earlier daemon has followed: all bytes of each stream that it has written by now. */
  readonly written?: OutputCursors;
}

/** Begins to follow; also a command whose first part an earlier daemon has followed. */
export async function followExec(workspace: Workspace, following: Following): Promise<RunningExec> {
  const { session, started, listener, written } = following;
  const files = await openOutputs(workspace, started.sequence, written);
  const processId = processIdOf(started.sequence);
  let canceled = false;
  const exit = followGuestProgram(
    session,
    {
      processId,
      timeoutMs: Math.round(started.timeout_seconds * 1000),
      from: { stdout: BigInt(files.stdout.seenBytes), stderr: BigInt(files.stderr.seenBytes) },
      output: async (stream, data) => {
        await files[stream].append(data);
        await listener?.(stream, data);
      },
    },
    new AbortController().signal,
  );
  const end = async (): Promise<ExecEnd> => {
    const known = await exit.catch((error: unknown) => asPyroError(error));
    const outcome = known instanceof Error ? notExited("lost", 0) : known.exited;
    await Promise.all([files.stdout.close(), files.stderr.close()]);
    const droppedBytes = files.stdout.droppedBytes + files.stderr.droppedBytes;
    const ended: ExecEnd = { outcome: { ...outcome, canceled }, droppedBytes };
    // Handed over, the command goes on; who adopts the machine learns its end.
    if (workspace.state.at === "left") return ended;
    if (known instanceof Error)
      reportFault("command lost", known, { workspace: workspace.id, sequence: started.sequence });
    // A reset has already forgotten it, and its journal.
    if (workspace.execs.get(started.sequence) !== running) return ended;
    for (const line of execEndLines(started.sequence, ended)) await workspace.note(line).catch(() => undefined);
    // What the command left in the background goes on, as after any shell; a killed one leaves nothing.
    const isLeft = !canceled && !(known instanceof Error) && !known.exited.timedOut;
    if (isLeft && known.background) followBackground(workspace, { session, sequence: started.sequence, files });
    // Not before: what neither runs nor has an end in the journal counts as lost.
    if (workspace.execs.get(started.sequence) === running) workspace.execs.delete(started.sequence);
    if (!isLeft || !known.background) releaseGuestProgram(session, { processId, leaveRunning: isLeft });
    return ended;
  };
  const running: RunningExec = {
    started,
    ended: Promise.resolve().then(end),
    cancel: () => {
      canceled = true;
      killGuestProgram(session, processId);
    },
    outputBytes: () => files.stdout.seenBytes + files.stderr.seenBytes,
  };
  workspace.execs.set(started.sequence, running);
  return running;
}
