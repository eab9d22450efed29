// Owns what this folder has to know of the flags of `pyro mcp serve`. Never knows one by name.

/** Who has written an entry. */
export type Origin = "user" | "project";

export interface ServeFlags {
  /** Names of the tools that a server with these flags offers; throws for flags that it would refuse. */
  tools(flags: readonly string[]): Promise<readonly string[]>;
  /** True when both are accepted and choose the same. */
  mean(left: readonly string[], right: readonly string[]): Promise<boolean>;
  /** Those that a server may be started with to see whether it starts, and the others; throws for what it would refuse. */
  tried(
    flags: readonly string[],
    origin: Origin,
  ): Promise<{ readonly kept: readonly string[]; readonly leftOut: readonly string[] }>;
}
