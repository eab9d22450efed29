// Owns which git the work at hand runs, without handing that through every function. Never says where to look for one.
import { AsyncLocalStorage } from "node:async_hooks";
import { findProgram, systemPath } from "../../base/host-program.js";
import type { HostGit } from "./host-git.js";

const scope = new AsyncLocalStorage<() => Promise<HostGit>>();

/** Whatever `work` starts runs the git that is found when the first one is run: much work needs none. */
export function withGit<Result>(find: () => Promise<HostGit>, work: () => Result): Result {
  let found: Promise<HostGit> | undefined;
  return scope.run(async () => (found ??= find()), work);
}

/** The system's own where nobody says another. */
export async function chosenGit(): Promise<HostGit> {
  const find = scope.getStore();
  if (find !== undefined) return find();
  return { program: await findProgram("git"), path: `${process.env["PATH"] ?? ""}:${systemPath}` };
}
