// Owns steering a QEMU that an earlier daemon started: the same machine, without its supervisor's pipe. Never restarts it.
import { isSameProcess, type ProcessIdentity } from "../../base/process-identity.js";
import type { MachineExit } from "../engine.js";
import { writeDeadline, type Supervised } from "../supervisor.js";
import type { Qmp } from "./qmp.js";

export interface AdoptedProcess {
  readonly process: ProcessIdentity;
  /** The machine's folder, with the deadline file. */
  readonly folder: string;
  readonly qmp: Qmp;
}

/** Its exit shows as the end of its control connection; its supervisor, still there, keeps the deadline. */
export function adoptProcess({ process: identity, folder, qmp }: AdoptedProcess): Supervised {
  const exited = new Promise<MachineExit>((resolve) => {
    qmp.listen((event) => {
      if (event instanceof Error) resolve({ reason: "ended (it was adopted; how is not known)" });
    });
  });
  return {
    pid: identity.pid,
    exited,
    stderrTail: () => "",
    extend: (deadlineMs) => writeDeadline(folder, deadlineMs),
    detach: () => undefined,
    kill: async () => {
      if (await isSameProcess(identity)) process.kill(identity.pid, "SIGKILL");
      await exited;
    },
  };
}
