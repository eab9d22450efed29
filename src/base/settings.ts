// Owns the user's settings file. Never writes it.
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { debianMirrorForm, parseDebianMirror } from "./debian-mirror.js";
import { PyroError, hasErrno } from "./error.js";

/** `compat` starts no machine: only the sandbox on the host, for calls that allow it. */
export const engineChoices = ["auto", "qemu", "compat"] as const;
export type EngineChoice = (typeof engineChoices)[number];

/** `auto` is the fastest that has proved itself on this host. */
export const acceleratorChoices = ["auto", "kvm", "tcg"] as const;
export type AcceleratorChoice = (typeof acceleratorChoices)[number];

/** They stood for an accelerator when there was one setting for both. */
const earlierEngineChoices = ["kvm", "tcg"] as const;

export function isEarlierEngineChoice(engine: string): engine is (typeof earlierEngineChoices)[number] {
  return earlierEngineChoices.some((each) => each === engine);
}

const settingsSchema = z.strictObject({
  /** What runs machines; the variable PYRO_ENGINE goes before it. */
  engine: z.enum([...engineChoices, ...earlierEngineChoices]).default("auto"),
  /** How it computes; the variable PYRO_ACCELERATOR goes before it. */
  accelerator: z.enum(acceleratorChoices).optional(),
  /** Machines of the last used template that are kept restored and paused; 0 switches the pool off. */
  pool_size: z.int().min(0).max(8).default(1),
  /** Minutes without a new machine after which the pool is emptied. */
  pool_idle_minutes: z.number().min(0.1).max(1440).default(10),
  /** The Debian mirror that environments are built from; the variable PYRO_DEBIAN_MIRROR goes before it. */
  debian_mirror: z
    .string()
    .max(4096)
    .refine((text) => parseDebianMirror(text) !== undefined, { message: `must be ${debianMirrorForm}` })
    .optional(),
});

export type Settings = z.output<typeof settingsSchema>;

/** Reads the file; a missing one means the defaults, a wrong one is refused by field. */
export async function readSettings(path: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return settingsSchema.parse({});
    throw error;
  }
  try {
    return settingsSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? error.issues.map(describeIssue).join("; ") : String(error);
    throw new PyroError("invalid_argument", `The settings in ${path} are not valid: ${why}`, {
      hint: `Correct ${path}, or remove it to use the defaults.`,
    });
  }
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}
