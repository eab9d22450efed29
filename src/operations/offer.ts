// Owns which servers offer a tool, and when a host that loads tools on demand loads it. Never knows one by name.

const core = ["workspace-core", "workspace-full"] as const;

/** Of the main loop: loaded from the start, since a model takes the tool that it has. */
export const mainLoop = { profiles: core, loading: "first" } as const;

/** Beside the main loop: loaded once the model has searched for something like these words. */
export function besideLoop(foundBy: string) {
  return { profiles: core, loading: { foundBy } } as const;
}
