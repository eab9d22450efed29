// Owns the list of what the contract names and this version lacks. Only shrinks; the contract test holds it against the table.

export interface Plan {
  /** What will bring it, in plain words. */
  readonly brings: string;
  /** Words after `pyro`. */
  readonly commands?: readonly string[];
  /** `command --flag`, for commands that exist. */
  readonly flags?: readonly string[];
  readonly tools?: readonly string[];
  readonly profiles?: readonly string[];
  readonly modes?: readonly string[];
  readonly sdk?: readonly string[];
}

export const planned: readonly Plan[] = [
  {
    brings: "the guest network",
    commands: ["workspace network", "cache status", "cache prune"],
    flags: [
      "run --network",
      "prepare --network",
      "demo --network",
      "mcp serve --network-policy",
      "workspace create --network-policy",
    ],
    sdk: ["networkWorkspace", "statusCache", "pruneCache"],
  },
  {
    brings: "registries and environment builds",
    commands: ["env build", "env import", "env export", "env delete"],
    flags: ["env pull --source"],
  },
  {
    brings: "snapshots, shells, services, secrets and disks of workspaces",
    commands: [
      ...["snapshot create", "snapshot list", "snapshot delete", "disk export", "disk list", "disk read"].map(
        workspace,
      ),
      ...["shell open", "shell read", "shell write", "shell signal", "shell close", "shell attach"].map(workspace),
      ...["service start", "service list", "service status", "service logs", "service stop"].map(workspace),
    ],
    flags: [
      "mcp serve --secret-file",
      "workspace create --secret",
      "workspace create --secret-file",
      "workspace exec --secret-env",
      "workspace export --allow-secret",
      "workspace diff --allow-secret",
      "workspace reset --snapshot",
      "run --tty",
      "workspace exec --tty",
    ],
    tools: [
      "workspace_disk_export",
      "workspace_disk_list",
      "workspace_disk_read",
      "shell_open",
      "shell_read",
      "shell_write",
      "shell_signal",
      "shell_close",
      "service_start",
      "service_list",
      "service_status",
      "service_logs",
      "service_stop",
      "snapshot_create",
      "snapshot_list",
      "snapshot_delete",
    ],
    profiles: ["workspace-full"],
    modes: ["cold-start", "review-eval"],
    sdk: [
      "createSnapshot",
      "listSnapshots",
      "deleteSnapshot",
      "openShell",
      "readShell",
      "writeShell",
      "signalShell",
      "closeShell",
      "startService",
      "listServices",
      "statusService",
      "logsService",
      "stopService",
      "exportWorkspaceDisk",
      "listWorkspaceDisk",
      "readWorkspaceDisk",
    ],
  },
  {
    brings: "review of changes and taking them over on the host",
    commands: ["workspace review", "workspace apply", "workspace undo"],
  },
  {
    brings: "forks of workspaces",
    commands: ["workspace fork", "workspace compare", "workspace rewind"],
    tools: ["workspace_fork", "workspace_compare"],
  },
  {
    brings: "machines step by step",
    tools: [
      "vm_list_environments",
      "vm_create",
      "vm_start",
      "vm_exec",
      "vm_stop",
      "vm_delete",
      "vm_status",
      "vm_network_info",
      "vm_reap_expired",
    ],
    sdk: ["createVm", "startVm", "execVm", "stopVm", "deleteVm", "statusVm", "networkInfoVm", "reapExpired"],
  },
];

export type PlannedKind = Exclude<keyof Plan, "brings">;

/** What will bring `name`, or undefined when nothing planned has that name. */
export function plannedBy(kind: PlannedKind, name: string): string | undefined {
  return planned.find((plan) => plan[kind]?.includes(name))?.brings;
}

/** Every planned name of one kind. */
export function plannedNames(kind: PlannedKind): readonly string[] {
  return planned.flatMap((plan) => plan[kind] ?? []);
}

function workspace(words: string): string {
  return `workspace ${words}`;
}
