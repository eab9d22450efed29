// Owns ending machines that nobody can take over: found by their supervisor, whatever their record says. Never ends one of another home.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../base/process-identity.js";
import { deadlineFileName } from "../engine/supervisor.js";

/** Milliseconds for a supervisor to end its machine, before it is ended without being asked. */
const patienceMs = 5000;
const lookEveryMs = 20;

/** Those of these folders of machines in which something runs that can be seen from here. */
export async function supervisedFolders(folders: readonly string[]): Promise<ReadonlySet<string>> {
  return new Set((await supervisorsIn(folders)).map(({ folder }) => folder));
}

/** Ends what runs in these folders of machines; resolves once it is gone. */
export async function endStrayMachines(folders: readonly string[]): Promise<void> {
  await Promise.all((await supervisorsIn(folders)).map(({ supervisor }) => endSupervisor(supervisor)));
}

async function supervisorsIn(folders: readonly string[]) {
  if (folders.length === 0) return [];
  const files = new Map(folders.map((folder) => [join(folder, deadlineFileName), folder]));
  return (await supervisorProcesses()).flatMap(({ supervisor, deadlineFile }) => {
    const folder = files.get(deadlineFile);
    return folder === undefined ? [] : [{ supervisor, folder }];
  });
}

interface FoundSupervisor {
  readonly supervisor: ProcessIdentity;
  readonly deadlineFile: string;
}

/** Every supervisor of this user that can be seen. */
async function supervisorProcesses(): Promise<FoundSupervisor[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
      const at = argv.indexOf("--deadline-file");
      const deadlineFile = argv[at + 1];
      if (argv[1] !== "supervise" || at < 0 || deadlineFile === undefined) return undefined;
      const supervisor = await identifyProcess(Number(pid));
      return supervisor === undefined ? undefined : { supervisor, deadlineFile };
    }),
  );
  return found.filter((each) => each !== undefined);
}

/** A supervisor that is told to end kills its program; the program dies with it in any case. */
async function endSupervisor(supervisor: ProcessIdentity): Promise<void> {
  const until = performance.now() + patienceMs;
  signal(supervisor.pid, "SIGTERM");
  while (await isSameProcess(supervisor)) {
    if (performance.now() > until) {
      signal(supervisor.pid, "SIGKILL");
      return;
    }
    await delay(lookEveryMs);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
