// Owns how results spell what there is of a program's output. Never keeps any.
import * as z from "zod";
import { outputGap, type OutputExcerpt } from "./excerpt.js";
import { keptOutputBytes } from "./kept.js";
import { outcomeView } from "./outcome.js";

/** As results have it, wherever a program ran. */
export const outputView = z.object({
  stdout: z.string().describe("UTF-8; other bytes become U+FFFD. Empty when it was streamed."),
  stderr: z.string(),
  stdout_truncated: z.boolean(),
  stderr_truncated: z.boolean(),
  stdout_base64: z.string().optional().describe("The bytes, where they are not UTF-8."),
  stderr_base64: z.string().optional(),
  stdout_gap: outputGap
    .optional()
    .describe("What is left out of the middle, where the output is longer than was asked for."),
  stderr_gap: outputGap.optional(),
  dropped_bytes: z.int().describe(`Bytes beyond ${keptOutputBytes / 1024 ** 2} MiB a stream that were not kept.`),
});

export type OutputView = z.output<typeof outputView>;

/** All that a caller learns of a program: how it ended, and what it wrote. */
export const programView = outcomeView.extend(outputView.shape);
export type ProgramView = z.output<typeof programView>;

export interface OutputExcerpts {
  readonly stdout: OutputExcerpt;
  readonly stderr: OutputExcerpt;
  /** Of both streams together. */
  readonly droppedBytes: number;
}

export function viewOfOutput({ stdout, stderr, droppedBytes }: OutputExcerpts): OutputView {
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    stdout_truncated: stdout.truncated,
    stderr_truncated: stderr.truncated,
    ...(stdout.base64 === undefined ? {} : { stdout_base64: stdout.base64 }),
    ...(stderr.base64 === undefined ? {} : { stderr_base64: stderr.base64 }),
    ...(stdout.gap === undefined ? {} : { stdout_gap: stdout.gap }),
    ...(stderr.gap === undefined ? {} : { stderr_gap: stderr.gap }),
    dropped_bytes: droppedBytes,
  };
}
