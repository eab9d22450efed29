// Owns changing what a workspace is called and how it is labelled. Never its state.
import { PyroError } from "../../base/error.js";
import { field, say } from "../../base/say.js";
import { maxLabels } from "../record/record.js";
import type { WorkspaceStore } from "../record/store.js";
import type { Workspace } from "../workspace.js";

export interface UpdateRequest {
  readonly name?: string | undefined;
  readonly clearName: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Keys of labels to take away. */
  readonly clearLabels: readonly string[];
}

export async function updateWorkspace(
  store: WorkspaceStore,
  workspace: Workspace,
  request: UpdateRequest,
): Promise<Workspace> {
  if (request.name !== undefined) {
    if (request.clearName) throw new PyroError("invalid_argument", "name and clear_name contradict each other.");
    store.checkNameIsFree(request.name, workspace);
  }
  const name = request.clearName ? null : (request.name ?? workspace.record.name);
  const kept = Object.entries(workspace.record.labels).filter(([key]) => !request.clearLabels.includes(key));
  const labels = { ...Object.fromEntries(kept), ...request.labels };
  const added = Object.keys(request.labels).length > 0;
  if (added && Object.keys(labels).length > maxLabels) {
    throw new PyroError("invalid_argument", `A workspace has at most ${maxLabels} labels.`, {
      hint: say`Take some away in the same call: ${field("workspace_update", "clear_labels")}.`,
    });
  }
  await workspace.save({ name, labels });
  return workspace;
}
