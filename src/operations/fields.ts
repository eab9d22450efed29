// Owns input and output fields that several operations share. Never holds a field that only one uses.
import * as z from "zod";

export const environmentName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/u, "must look like debian:12")
  .meta({ title: "ENV", description: "Environment, such as debian:12." });

export const defaultEnvironment = "debian:12";

export const vcpuCount = z.int().min(1).max(16).default(1).describe("Virtual CPUs.");

export const memMib = z.int().min(128).max(65_536).default(1024).describe("Guest memory in MiB.");

export const environmentSummary = z.object({
  name: z.string(),
  description: z.string(),
  state: z.enum(["installed", "broken", "not_installed", "newer"]),
  image_bytes: z.int().describe("Bytes on disk; 0 when not installed."),
  image_digest: z.string().nullable(),
  source: z.string().nullable(),
  installed_at: z.string().nullable().describe("RFC 3339."),
});

/** The `engine` of a result that came from no virtual machine, and what every text says of it. */
export const sandboxEngine = "host_compat";
export const sandboxNote = "ran in a sandbox on this host (host_compat), not in a virtual machine";

/** How a guest command ended; the same fields wherever one ran. */
export const commandOutcome = {
  exit_code: z.int().describe("0 to 255; 124 when it timed out, 128 + n when signal n ended it."),
  timed_out: z.boolean(),
  oom_killed: z.boolean().describe("The guest's kernel killed it for lack of memory."),
  duration_ms: z.int(),
  stdout: z.string().describe("UTF-8; other bytes become U+FFFD. Empty when it was streamed."),
  stderr: z.string(),
  stdout_truncated: z.boolean(),
  stderr_truncated: z.boolean(),
  stdout_base64: z.string().optional().describe("The bytes, where they are not UTF-8."),
  stderr_base64: z.string().optional(),
  dropped_bytes: z.int().describe("Bytes beyond 64 MiB a stream that were not kept."),
} as const;
