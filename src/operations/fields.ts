// Owns input and output fields that several operations share. Never holds a field that only one uses.
import * as z from "zod";
import { allOutputBytes } from "../process/kept.js";

export const environmentName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/u, "must look like debian:12")
  .meta({ title: "ENV", description: "Environment, such as debian:12." });

/** Marks a field that holds a file's content, where a NUL is a character as any other; nothing else may have one. */
export const heldContent = { holds: "content" } as const;

export const defaultEnvironment = "debian:12";

export const vcpuCount = z.int().min(1).max(16).default(1).describe("Virtual CPUs.");

export const memMib = z.int().min(128).max(65_536).default(1024).describe("Guest memory in MiB.");

/** Of a command's result. */
export const maxOutputBytes = z
  .int()
  .min(0)
  .max(allOutputBytes)
  .default(allOutputBytes)
  .describe("Bytes of both streams in the result, as JSON writes them; more comes as head and tail.");

/** The same for a model. */
export const modelOutputBytes = 20_000;

/** What hands type where they want a terminal: letter → flag. */
export const terminalFlags = { i: "tty", t: "tty" } as const;

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
