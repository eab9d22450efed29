// Owns what callers are told who cannot enter a workspace, or have to leave it. Never decides that.
import { PyroError } from "../base/error.js";
import { call, either, say, type Said } from "../base/say.js";
import type { Refusal, State } from "./state.js";

interface Refusing {
  readonly id: string;
  readonly state: State;
}

export function refusalError({ id, state }: Refusing, { refused }: Refusal): PyroError {
  switch (refused) {
    case "moot":
    case "busy":
    case "left":
      return withoutMachine(id);
    case "unmade":
      return new PyroError("not_found", `Workspace ${id} could not be created.`, { hint: "Create it again." });
    case "deleted":
      return ended(id, "deleted");
    case "failed": {
      const why = state.at === "failed" ? state.why : "";
      return new PyroError("failed_precondition", `Workspace ${id} is failed: ${why}`, { hint: startOver(id) });
    }
  }
}

function startOver(id: string): Said {
  const reset = either(say`Reset it by ${call("workspace_reset", { workspace_id: id })}, or`, say`To start over,`);
  return say`${reset} delete it by ${call("workspace_delete", { workspace_id: id })}.`;
}

/** For the calls inside that are ended with it. */
export function ended(id: string, how: "reset" | "stopped" | "deleted"): PyroError {
  return new PyroError("canceled", `Workspace ${id} was ${how} in the middle of this call.`, {
    hint: how === "deleted" ? "Create another one." : "Call again; look first at what was done before.",
  });
}

export function withoutMachine(id: string): PyroError {
  return new PyroError("unavailable", `Workspace ${id} has no machine any more.`, { hint: "Call again." });
}

export function stillBusy(id: string): PyroError {
  return new PyroError("deadline_exceeded", `What works in ${id} does not end, though it was told to.`, {
    hint: "Call again; deleting the workspace waits for nothing.",
  });
}
