// Owns what all parts of the workspaces service share: what they work with, and who calls. Never one operation.
import type { Readable } from "node:stream";
import type { PyroError } from "../base/error.js";
import type { AllowedRoots } from "../base/host-roots.js";
import type { Task } from "../base/progress.js";
import type { PreparedSeed, SeedRequest } from "../tree/seed/request.js";
import type { CreateServices } from "./life/create.js";
import type { TransferServices } from "./files/transfer.js";

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
