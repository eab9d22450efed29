// Owns who this process runs as and where that user's home is, also for a uid that no passwd file knows. Never changes either.
import { homedir, userInfo } from "node:os";
import { PyroError } from "./error.js";

/** `os.userInfo` throws for a uid without a passwd entry, as containers have them. */
export function userId(): number {
  return process.geteuid?.() ?? 0;
}

/** Undefined where the uid has no passwd entry. */
export function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

/** HOME where it is set, else what the system has for this uid; undefined where there is neither. */
export function findHome(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const set = env["HOME"];
  if (set !== undefined && set !== "") return set;
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

export function userHome(env: NodeJS.ProcessEnv): string {
  const home = findHome(env);
  if (home !== undefined) return home;
  throw new PyroError("failed_precondition", `The user ${userId()} has no home folder: HOME is not set.`, {
    hint: "Set HOME to a folder of this user's, or PYRO_HOME to one for pyro alone.",
  });
}
