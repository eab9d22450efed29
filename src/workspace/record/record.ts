// Owns what is written down about a workspace, and the schema it is read back with. Never touches the disk.
import * as z from "zod";
import type { RecordKind } from "../../base/stored-record.js";

export const workspaceId = z.string().regex(/^ws_[a-z2-7]{12}$/u);

/** Also the guest's host name, so it must be one. */
export const workspaceName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/u, "must be 1 to 63 of a-z, 0-9 and -, not at its ends");

export const labelKey = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/u, "is not a label's key");
/** Of one workspace. Records of earlier versions may hold more, so that reading one does not ask. */
export const maxLabels = 64;
export const labels = z.record(labelKey, z.string().max(256));

export const skippedFile = z.object({ path: z.string(), reason: z.string() });

export const workspaceSeed = z.object({
  mode: z.enum(["git", "directory", "archive", "empty"]),
  /** How the seed was chosen: seed_path, project_path, repo_url, or none. */
  origin_kind: z.enum(["seed_path", "project_path", "repo_url", "none"]),
  /** Path or URL, without credentials. */
  origin_ref: z.string().nullable(),
  commit: z.string().nullable(),
  file_count: z.int(),
  byte_count: z.int(),
  skipped: z.array(skippedFile),
  digest: z.string(),
});

const environment = z.strictObject({
  name: z.string(),
  image_digest: z.string(),
  image_bytes: z.int(),
  env: z.array(z.string()),
  source: z.string(),
  installed_at: z.string(),
});

export const workspaceRecord = z.strictObject({
  format: z.literal(1),
  id: workspaceId,
  name: workspaceName.nullable(),
  labels,
  environment,
  vcpu_count: z.int(),
  mem_mib: z.int(),
  /** Idle seconds until it is stopped; 0 = never. */
  ttl_seconds: z.int(),
  network_policy: z.literal("off"),
  /** What happens or happened last; `running` needs a machine that answers as well. */
  state: z.enum(["creating", "running", "stopped", "resetting", "failed"]),
  failure: z.string().nullable(),
  machine_id: z.string().nullable(),
  disk_bytes_virtual: z.int(),
  seed: workspaceSeed.nullable(),
  next_sequence: z.int().positive(),
  created_at: z.string(),
  last_active_at: z.string(),
  last_reset_at: z.string().nullable(),
  stopped_at: z.string().nullable(),
});

/** The files beside it that have no number of their own, such as the seed's manifest and the journal, change with it. */
export const workspaceRecordKind = {
  what: "workspace",
  schema: workspaceRecord,
  upgrades: [],
} satisfies RecordKind<typeof workspaceRecord>;

export type WorkspaceRecord = z.output<typeof workspaceRecord>;
export type WorkspaceSeed = z.output<typeof workspaceSeed>;
