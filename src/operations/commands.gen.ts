// Generated from the operation table by `make generate`: where the operation behind a command is, so that it loads no other.
import type { Operation } from "./operation.js";

export interface IndexedCommand {
  readonly path: readonly string[];
  load(): Promise<Operation>;
}

export const indexedCommands: readonly IndexedCommand[] = [
  { path: ["daemon","audit"], load: async () => (await import("./daemon.js")).daemonAuditOperation },
  { path: ["daemon","log"], load: async () => (await import("./daemon.js")).daemonLogOperation },
  { path: ["daemon","status"], load: async () => (await import("./daemon.js")).daemonStatusOperation },
  { path: ["daemon","stop"], load: async () => (await import("./daemon.js")).daemonStopOperation },
  { path: ["doctor"], load: async () => (await import("./doctor.js")).doctorOperation },
  { path: ["env","inspect"], load: async () => (await import("./env.js")).envInspectOperation },
  { path: ["env","list"], load: async () => (await import("./env.js")).envListOperation },
  { path: ["env","prune"], load: async () => (await import("./env.js")).envPruneOperation },
  { path: ["env","pull"], load: async () => (await import("./env.js")).envPullOperation },
  { path: ["host","connect"], load: async () => (await import("./host.js")).hostConnectOperation },
  { path: ["host","doctor"], load: async () => (await import("./host.js")).hostDoctorOperation },
  { path: ["host","print-config"], load: async () => (await import("./host.js")).hostPrintConfigOperation },
  { path: ["host","repair"], load: async () => (await import("./host.js")).hostRepairOperation },
  { path: ["prepare"], load: async () => (await import("./prepare.js")).prepareOperation },
  { path: ["run"], load: async () => (await import("./run.js")).runOperation },
  { path: ["workspace","create"], load: async () => (await import("./workspace.js")).workspaceCreateOperation },
  { path: ["workspace","delete"], load: async () => (await import("./workspace.js")).workspaceDeleteOperation },
  { path: ["workspace","diff"], load: async () => (await import("./workspace-files.js")).workspaceDiffOperation },
  { path: ["workspace","exec"], load: async () => (await import("./workspace-exec.js")).workspaceExecOperation },
  { path: ["workspace","export"], load: async () => (await import("./workspace-files.js")).workspaceExportOperation },
  { path: ["workspace","file","list"], load: async () => (await import("./workspace-files.js")).workspaceFileListOperation },
  { path: ["workspace","file","read"], load: async () => (await import("./workspace-files.js")).workspaceFileReadOperation },
  { path: ["workspace","file","write"], load: async () => (await import("./workspace-files.js")).workspaceFileWriteOperation },
  { path: ["workspace","list"], load: async () => (await import("./workspace.js")).workspaceListOperation },
  { path: ["workspace","logs"], load: async () => (await import("./workspace-exec.js")).workspaceLogsOperation },
  { path: ["workspace","patch","apply"], load: async () => (await import("./workspace-files.js")).workspacePatchApplyOperation },
  { path: ["workspace","reset"], load: async () => (await import("./workspace.js")).workspaceResetOperation },
  { path: ["workspace","start"], load: async () => (await import("./workspace.js")).workspaceStartOperation },
  { path: ["workspace","status"], load: async () => (await import("./workspace.js")).workspaceStatusOperation },
  { path: ["workspace","stop"], load: async () => (await import("./workspace.js")).workspaceStopOperation },
  { path: ["workspace","summary"], load: async () => (await import("./workspace-exec.js")).workspaceSummaryOperation },
  { path: ["workspace","sync","push"], load: async () => (await import("./workspace-files.js")).workspaceSyncPushOperation },
  { path: ["workspace","update"], load: async () => (await import("./workspace.js")).workspaceUpdateOperation },
  { path: ["workspace","wait"], load: async () => (await import("./workspace-exec.js")).workspaceWaitOperation },
];
