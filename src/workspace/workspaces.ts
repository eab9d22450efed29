// Owns the workspaces service as the operations call it. Never one of its parts.
import { commandOperations } from "./service-commands.js";
import { fileOperations } from "./service-files.js";
import { lifeOperations } from "./service-life.js";
import type { WorkspaceServices } from "./services.js";

export type Workspaces = ReturnType<typeof openWorkspaces>;

export function openWorkspaces(services: WorkspaceServices) {
  return { ...lifeOperations(services), ...commandOperations(services), ...fileOperations(services) };
}
