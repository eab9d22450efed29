// Owns how a workspace's state stands in its record, and which state a record stands for. Never reads or writes one.
import type { Event, State } from "../state.js";
import type { WorkspaceRecord } from "./record.js";

/** Fields of the record that only a change of state changes. */
export type StateField = "state" | "failure" | "machine_id" | "stopped_at" | "last_reset_at";

/** What a new daemon knows of a workspace before it has looked for its machine. */
export function stateIn({ state, stopped_at: stoppedAt, failure }: WorkspaceRecord): State {
  switch (state) {
    case "creating":
      return { at: "creating", phase: null };
    case "running":
      return { at: "starting", before: null };
    case "stopped":
      return { at: "stopped", since: stoppedAt === null ? null : Date.parse(stoppedAt), why: failure };
    case "resetting":
      return { at: "replacing", by: "reset", machine: null };
    case "failed":
      return { at: "failed", why: failure ?? "" };
  }
}

/** What the record says from now on; null where the state is not on record, since no later daemon could go on with it. */
export function recorded(state: State, event: Event): Partial<WorkspaceRecord> | null {
  switch (state.at) {
    case "running": {
      const used = event.type === "started" ? { last_active_at: new Date(event.now).toISOString() } : {};
      return { state: "running", machine_id: state.machine.id, failure: null, stopped_at: null, ...used };
    }
    case "stopped": {
      const since = state.since === null ? null : new Date(state.since).toISOString();
      const reset = event.type === "emptied" ? { last_reset_at: since } : {};
      return { state: "stopped", machine_id: null, failure: state.why, stopped_at: since, ...reset };
    }
    case "replacing":
      return { state: "resetting" };
    case "failed":
      return { state: "failed", machine_id: null, failure: state.why };
    case "creating":
    case "starting":
    case "stopping":
    case "deleting":
    case "left":
      return null;
  }
}
