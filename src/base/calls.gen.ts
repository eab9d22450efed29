// Generated from the operation table by `make generate`: which calls, and which fields of them, a sentence may name.

export interface CallFields {
  readonly daemon_audit: never;
  readonly daemon_log: "call" | "lines" | "follow";
  readonly daemon_status: never;
  readonly daemon_stop: never;
  readonly doctor: "environment" | "fix" | "report";
  readonly env_inspect: "environment";
  readonly env_list: never;
  readonly env_prune: never;
  readonly env_pull: "environment";
  readonly host_connect: "host" | "profile" | "mode" | "project_path" | "repo_url" | "repo_ref" | "no_project_source" | "include" | "environment" | "allow_host_paths" | "scope" | "only_here" | "dry_run";
  readonly host_disconnect: "host";
  readonly host_doctor: "host";
  readonly host_print_config: "host" | "profile" | "mode" | "project_path" | "repo_url" | "repo_ref" | "no_project_source" | "include" | "environment" | "allow_host_paths" | "scope";
  readonly host_repair: "host";
  readonly prepare: "environment" | "force";
  readonly vm_run: "environment" | "command" | "vcpu_count" | "mem_mib" | "timeout_seconds" | "ttl_seconds" | "allow_host_compat" | "max_output_bytes";
  readonly workspace_create: "environment" | "seed_path" | "project_path" | "repo_url" | "repo_ref" | "include" | "allow_host_paths" | "name" | "labels" | "vcpu_count" | "mem_mib" | "ttl_seconds" | "wait_seconds";
  readonly workspace_delete: "workspace_id";
  readonly workspace_diff: "workspace_id" | "paths" | "include_ignored" | "max_patch_characters";
  readonly workspace_exec: "workspace_id" | "command" | "cwd" | "timeout_seconds" | "detach" | "wait_seconds" | "max_output_bytes";
  readonly workspace_export: "workspace_id" | "path" | "output_path" | "force";
  readonly workspace_file_list: "workspace_id" | "path" | "recursive" | "max_entries";
  readonly workspace_file_read: "workspace_id" | "path" | "start_line" | "line_count" | "byte_offset" | "max_bytes";
  readonly workspace_file_write: "workspace_id" | "path" | "text";
  readonly workspace_list: never;
  readonly workspace_logs: "workspace_id" | "sequence" | "stream" | "offset" | "max_bytes";
  readonly workspace_patch_apply: "workspace_id" | "patch" | "patch_file";
  readonly workspace_reset: "workspace_id";
  readonly workspace_start: "workspace_id";
  readonly workspace_status: "workspace_id";
  readonly workspace_stop: "workspace_id";
  readonly workspace_summary: "workspace_id";
  readonly workspace_sync_push: "workspace_id" | "source_path" | "dest" | "allow_host_paths";
  readonly workspace_update: "workspace_id" | "name" | "clear_name" | "labels" | "clear_labels";
  readonly workspace_wait: "workspace_id" | "sequence" | "wait_seconds" | "max_output_bytes";
}
