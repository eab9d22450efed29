// Owns the check which git of this host reads checkouts. Never runs it on one.
import { PyroError } from "../base/error.js";
import { installLine } from "../base/host-program.js";
import { openGitFinder } from "../tree/git/host-git.js";
import { failure, type Check } from "./check.js";
import type { Diagnosis } from "./finding.js";
import { programVersion } from "./programs.js";

export const gitCheck: Check = {
  code: "git",
  essential: false,
  run: async ({ hostGit }, { signal }) => {
    try {
      const { program } = await openGitFinder()({ wish: hostGit, away: [], signal });
      const isNamed = (hostGit.program ?? "") !== "";
      return judgeGit({ program, version: await programVersion("git", program, signal), isNamed });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PyroError)) throw error;
      return error.code === "unavailable" ? missingGit() : failure("warning", error);
    }
  },
};

export interface ChosenGit {
  /** Absolute path. */
  readonly program: string;
  readonly version: string;
  /** PYRO_GIT says so. */
  readonly isNamed: boolean;
}

export function judgeGit({ program, version, isNamed }: ChosenGit): Diagnosis {
  const why = isNamed ? "PYRO_GIT names it" : "the newest of the system's folders and of PATH";
  return { severity: "ok", text: `git ${version} (${program}): ${why}.` };
}

function missingGit(): Diagnosis {
  return {
    severity: "warning",
    text: "Not installed: git; without it no workspace can start from a checkout or a repository.",
    fix: installLine(["git"]),
  };
}
