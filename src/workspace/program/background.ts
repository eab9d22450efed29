// Owns what an ended command has left in the background: keeps what that prints, learns when nothing of it is left. Never ends it.
import { asPyroError } from "../../base/error.js";
import { reportFault } from "../../base/report.js";
import type { GuestSession } from "../../guest/session.js";
import { followGuestRest, releaseGuestProgram } from "../../process/program.js";
import { processIdOf, type OutputLogs } from "./output.js";
import type { BackgroundExec } from "./running-exec.js";
import type { Workspace } from "../workspace.js";

/** Commands of one workspace whose background is followed, the latest: each holds a stream of the machine's connection. */
const maxFollowed = 64;

export interface LeftInBackground {
  readonly session: GuestSession;
  readonly sequence: number;
  readonly files: OutputLogs;
}

/** Begins to follow, from where the files end. */
export function followBackground(workspace: Workspace, { session, sequence, files }: LeftInBackground): void {
  const letGo = new AbortController();
  const processId = processIdOf(sequence);
  const from = { stdout: BigInt(files.stdout.seenBytes), stderr: BigInt(files.stderr.seenBytes) };
  const output = (stream: keyof OutputLogs, data: Uint8Array) => files[stream].append(data);
  const end = async () => {
    const why = await followGuestRest(session, { processId, from, output }, letGo.signal).then(
      () => undefined,
      (error: unknown) => asPyroError(error),
    );
    await Promise.all([files.stdout.close(), files.stderr.close()]).catch(() => undefined);
    // Handed over, it goes on; who adopts the machine goes on to follow it.
    if (workspace.state.at === "left") return;
    if (why !== undefined && !letGo.signal.aborted && workspace.live?.session === session)
      reportFault("background output lost", why, { workspace: workspace.id, sequence });
    if (workspace.background.get(sequence) === left) workspace.background.delete(sequence);
    releaseGuestProgram(session, { processId, leaveRunning: true });
  };
  const left: BackgroundExec = { ended: Promise.resolve().then(end), letGo: () => letGo.abort() };
  workspace.background.set(sequence, left);
  for (const oldest of [...workspace.background.values()].slice(0, -maxFollowed)) oldest.letGo();
}
