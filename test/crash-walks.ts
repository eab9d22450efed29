// Owns which crash points there are to walk and by which test: the registry's names, with details where a point has some. Never kills anything.

/** Of workspaces and their machines, in the order in which a life passes them; walked with real machines. */
export const workspaceWalks = {
  create: [
    "workspace folder made",
    "file drafted: workspace.json",
    "workspace recorded: creating",
    "workspace files kept",
    "machine folders made",
    "disk made",
    "machine answered",
    "machine recorded",
    "machine detached",
    "workspace recorded: running",
    "journal line written: created",
  ],
  exec: ["journal line written: exec_started", "command begun in the guest", "journal line written: exec_ended"],
  sync: ["changes staged", "changes committed"],
  stop: ["workspace recorded: stopped", "journal line written: stopped"],
  reset: ["workspace recorded: resetting", "workspace disk removed", "workspace history removed"],
  delete: ["workspace renamed away"],
} as const;

/** Of a machine that waited in the pool. */
export const claimWalks = ["disk base kept", "disk handed over", "seed put under"] as const;

/** Without a machine: in a process of their own. */
export const fileWalks = {
  seed: ["seed slot made", "file drafted: seed.json", "seed recorded", "seed placed"],
  template: ["template begun", "template filled", "template recorded", "template placed", "template renamed away"],
  config: ["file drafted: opencode.json"],
} as const;

export const exportSteps = [
  "recorded",
  "staging_made",
  "staging_recorded",
  "extracted",
  "checked",
  "swap_recorded",
  "moved_aside",
  "published",
  "staging_removed",
] as const;
