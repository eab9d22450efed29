// Owns what this folder has to know of the flags of `pyro mcp serve`. Never knows one by name.

export interface ServeFlags {
  /** Names of the tools that a server with these flags offers; throws for flags that it would refuse. */
  tools(flags: readonly string[]): Promise<readonly string[]>;
  /** True when both are accepted and choose the same. */
  mean(left: readonly string[], right: readonly string[]): Promise<boolean>;
}
