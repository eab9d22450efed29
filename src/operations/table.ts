// Owns the list of all operations. Never adds to what they say.
import { daemonAuditOperation, daemonLogOperation, daemonStatusOperation, daemonStopOperation } from "./daemon.js";
import { doctorOperation } from "./doctor.js";
import { envInspectOperation, envListOperation, envPruneOperation, envPullOperation } from "./env.js";
import {
  hostConnectOperation,
  hostDisconnectOperation,
  hostDoctorOperation,
  hostPrintConfigOperation,
  hostRepairOperation,
} from "./host.js";
import { prepareOperation } from "./prepare.js";
import { runOperation } from "./run.js";
import {
  workspaceExecOperation,
  workspaceLogsOperation,
  workspaceSummaryOperation,
  workspaceWaitOperation,
} from "./workspace-exec.js";
import { workspaceFileReadOperation } from "./workspace-file-read.js";
import {
  workspaceDiffOperation,
  workspaceExportOperation,
  workspaceFileListOperation,
  workspaceFileWriteOperation,
  workspacePatchApplyOperation,
  workspaceSyncPushOperation,
} from "./workspace-files.js";
import {
  workspaceCreateOperation,
  workspaceDeleteOperation,
  workspaceListOperation,
  workspaceResetOperation,
  workspaceStartOperation,
  workspaceStatusOperation,
  workspaceStopOperation,
  workspaceUpdateOperation,
} from "./workspace.js";

/** In the order in which help and reference show them. */
export const operations = [
  doctorOperation,
  prepareOperation,
  runOperation,
  workspaceCreateOperation,
  workspaceListOperation,
  workspaceStatusOperation,
  workspaceUpdateOperation,
  workspaceExecOperation,
  workspaceWaitOperation,
  workspaceLogsOperation,
  workspaceSummaryOperation,
  workspaceFileListOperation,
  workspaceFileReadOperation,
  workspaceFileWriteOperation,
  workspacePatchApplyOperation,
  workspaceDiffOperation,
  workspaceExportOperation,
  workspaceSyncPushOperation,
  workspaceResetOperation,
  workspaceStopOperation,
  workspaceStartOperation,
  workspaceDeleteOperation,
  hostConnectOperation,
  hostPrintConfigOperation,
  hostDoctorOperation,
  hostRepairOperation,
  hostDisconnectOperation,
  envListOperation,
  envPullOperation,
  envInspectOperation,
  envPruneOperation,
  daemonStatusOperation,
  daemonLogOperation,
  daemonAuditOperation,
  daemonStopOperation,
] as const;

/** Words that hands know for the words of commands; the command line takes both. */
export const shortWords = { ws: "workspace", ls: "list", rm: "delete" } as const;

export type AnyOperation = (typeof operations)[number];
