// Owns what the start of the process calls in a bundle. Never loads one.

/** Runs the command and ends the process; calls `settled` when all that such a command needs has been compiled. */
export type RunEntry = (args: readonly string[], settled: () => void) => Promise<void>;
