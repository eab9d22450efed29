// Stands in for the daemon where a test is about a surface alone. Answers with what the test says.
import type { CallOptions } from "../../../src/client/call.js";
import type { Connector } from "../../../src/surface/connection.js";

export interface SeenCall {
  readonly name: string;
  readonly input: unknown;
}

export type Answer = (call: SeenCall, options: CallOptions) => unknown;

/** `calls` fills as calls arrive; `starts` counts how often a daemon was asked for. */
export function fakeDaemon(answer: Answer): {
  readonly connector: Connector;
  readonly calls: SeenCall[];
  starts(): number;
} {
  const calls: SeenCall[] = [];
  let starts = 0;
  const connector: Connector = {
    start: () => {
      starts += 1;
      return Promise.resolve({
        call: async (name, input, options = {}) => {
          calls.push({ name, input });
          return answer({ name, input }, options);
        },
      });
    },
    find: () => Promise.resolve(undefined),
    here: () => Promise.reject(new Error("No operation of these tests runs in the caller's process.")),
  };
  return { connector, calls, starts: () => starts };
}

export const ranFine = {
  environment: "debian:12",
  engine: "qemu",
  accelerator: "tcg",
  state: "exited",
  exit_code: 0,
  signal: null,
  timed_out: false,
  oom_killed: false,
  canceled: false,
  duration_ms: 12,
  stdout: "",
  stderr: "",
  stdout_truncated: false,
  stderr_truncated: false,
  dropped_bytes: 0,
};

/** Rejects when the call is canceled, and never otherwise. */
export function untilCanceled(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
