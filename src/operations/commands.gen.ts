// Generated from the operation table by `make generate`: where the operation behind a command is, so that it loads no other.
import type { Operation } from "./operation.js";

export interface IndexedCommand {
  readonly path: readonly string[];
  /** Its name. */
  readonly operation: string;
  load(): Promise<Operation>;
}

export const indexedCommands: readonly IndexedCommand[] = [
  { path: ["daemon","audit"], operation: "daemon_audit", load: async () => (await import("./daemon.js")).daemonAuditOperation },
  { path: ["daemon","log"], operation: "daemon_log", load: async () => (await import("./daemon.js")).daemonLogOperation },
  { path: ["daemon","status"], operation: "daemon_status", load: async () => (await import("./daemon.js")).daemonStatusOperation },
  { path: ["daemon","stop"], operation: "daemon_stop", load: async () => (await import("./daemon.js")).daemonStopOperation },
  { path: ["doctor"], operation: "doctor", load: async () => (await import("./doctor.js")).doctorOperation },
  { path: ["env","inspect"], operation: "env_inspect", load: async () => (await import("./env.js")).envInspectOperation },
  { path: ["env","list"], operation: "env_list", load: async () => (await import("./env.js")).envListOperation },
  { path: ["env","prune"], operation: "env_prune", load: async () => (await import("./env.js")).envPruneOperation },
  { path: ["env","pull"], operation: "env_pull", load: async () => (await import("./env.js")).envPullOperation },
  { path: ["host","connect"], operation: "host_connect", load: async () => (await import("./host.js")).hostConnectOperation },
  { path: ["host","disconnect"], operation: "host_disconnect", load: async () => (await import("./host.js")).hostDisconnectOperation },
  { path: ["host","doctor"], operation: "host_doctor", load: async () => (await import("./host.js")).hostDoctorOperation },
  { path: ["host","print-config"], operation: "host_print_config", load: async () => (await import("./host.js")).hostPrintConfigOperation },
  { path: ["host","repair"], operation: "host_repair", load: async () => (await import("./host.js")).hostRepairOperation },
  { path: ["prepare"], operation: "prepare", load: async () => (await import("./prepare.js")).prepareOperation },
  { path: ["run"], operation: "vm_run", load: async () => (await import("./run.js")).runOperation },
  { path: ["workspace","create"], operation: "workspace_create", load: async () => (await import("./workspace.js")).workspaceCreateOperation },
  { path: ["workspace","delete"], operation: "workspace_delete", load: async () => (await import("./workspace.js")).workspaceDeleteOperation },
  { path: ["workspace","diff"], operation: "workspace_diff", load: async () => (await import("./workspace-files.js")).workspaceDiffOperation },
  { path: ["workspace","exec"], operation: "workspace_exec", load: async () => (await import("./workspace-exec.js")).workspaceExecOperation },
  { path: ["workspace","export"], operation: "workspace_export", load: async () => (await import("./workspace-files.js")).workspaceExportOperation },
  { path: ["workspace","file","list"], operation: "workspace_file_list", load: async () => (await import("./workspace-files.js")).workspaceFileListOperation },
  { path: ["workspace","file","read"], operation: "workspace_file_read", load: async () => (await import("./workspace-file-read.js")).workspaceFileReadOperation },
  { path: ["workspace","file","write"], operation: "workspace_file_write", load: async () => (await import("./workspace-files.js")).workspaceFileWriteOperation },
  { path: ["workspace","list"], operation: "workspace_list", load: async () => (await import("./workspace.js")).workspaceListOperation },
  { path: ["workspace","logs"], operation: "workspace_logs", load: async () => (await import("./workspace-exec.js")).workspaceLogsOperation },
  { path: ["workspace","patch","apply"], operation: "workspace_patch_apply", load: async () => (await import("./workspace-files.js")).workspacePatchApplyOperation },
  { path: ["workspace","reset"], operation: "workspace_reset", load: async () => (await import("./workspace.js")).workspaceResetOperation },
  { path: ["workspace","start"], operation: "workspace_start", load: async () => (await import("./workspace.js")).workspaceStartOperation },
  { path: ["workspace","status"], operation: "workspace_status", load: async () => (await import("./workspace.js")).workspaceStatusOperation },
  { path: ["workspace","stop"], operation: "workspace_stop", load: async () => (await import("./workspace.js")).workspaceStopOperation },
  { path: ["workspace","summary"], operation: "workspace_summary", load: async () => (await import("./workspace-exec.js")).workspaceSummaryOperation },
  { path: ["workspace","sync","push"], operation: "workspace_sync_push", load: async () => (await import("./workspace-files.js")).workspaceSyncPushOperation },
  { path: ["workspace","update"], operation: "workspace_update", load: async () => (await import("./workspace.js")).workspaceUpdateOperation },
  { path: ["workspace","wait"], operation: "workspace_wait", load: async () => (await import("./workspace-exec.js")).workspaceWaitOperation },
];
