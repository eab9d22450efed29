// Owns what all parts of the workspaces service share: what they work with, who calls, how work gets into a machine. Never one operation.
import type { Readable } from "node:stream";
import type { PyroError } from "../base/error.js";
import type { AllowedRoots } from "../base/host-roots.js";
import type { Task } from "../base/progress.js";
import type { GuestSession } from "../guest/session.js";
import { enterWorkspace } from "./access.js";
import type { PreparedSeed, SeedRequest } from "../tree/seed/request.js";
import type { CreateServices } from "./life/create.js";
import type { TransferServices } from "./files/transfer.js";
import type { Workspace } from "./workspace.js";

/** A caller who names paths of the host. */
export interface HostCaller extends Task {
  /** Where they may lead. */
  readonly allowedRoots?: AllowedRoots;
}

export interface WorkspaceCaller extends HostCaller {
  readonly stdin: Readable | undefined;
  readonly sshAgent?: string | undefined;
  readonly streaming: boolean;
  output(stream: "stdout" | "stderr", data: Uint8Array): Promise<void>;
  onSignal(listener: (name: string) => void): void;
}

export interface WorkspaceServices extends CreateServices, TransferServices {
  readonly prepareSeed: (request: SeedRequest, task: Task) => Promise<PreparedSeed>;
  /** Given: why no machine can be started here. */
  readonly unusable: PyroError | undefined;
  /** Aborted when the daemon ends. */
  readonly shutdown: AbortSignal;
}

export interface Inside {
  readonly session: GuestSession;
  readonly workspace: Workspace;
  /** Aborted when the caller leaves, the workspace is stopped, reset or deleted, or its machine cannot go on for now. */
  readonly signal: AbortSignal;
}

export interface Access {
  readonly id: string;
  /** Waits until nobody else works in it, and keeps others out; else works beside them. */
  readonly alone: boolean;
}

/** Runs work that needs the machine, which is started where needed; the result says whether it was. */
export function insideWorkspace<Result>(
  { services, access }: { readonly services: WorkspaceServices; readonly access: Access },
  task: Task,
  work: (inner: Inside) => Promise<Result>,
): Promise<Result & { restarted: boolean }> {
  const workspace = services.store.find(access.id);
  const door = { machines: services.machines, workspace, alone: access.alone };
  return enterWorkspace(door, task, ({ live, signal }) => work({ session: live.session, workspace, signal }));
}
