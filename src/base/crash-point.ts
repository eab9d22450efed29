// Owns the named moments at which a test kills this process: each lies between two steps that change what is on disk. Never acts unless asked.

/** Where a crash leaves something for the next daemon, or the next call, to put in order. */
export const crashPoints = [
  /** A file that is replaced atomically is whole beside its place. With its name. */
  "file drafted",
  "workspace folder made",
  /** With its state. */
  "workspace recorded",
  "workspace files kept",
  /** With the kind of the line. */
  "journal line written",
  "workspace disk removed",
  "workspace history removed",
  "workspace renamed away",
  "machine folders made",
  "disk made",
  "machine answered",
  "machine recorded",
  "machine detached",
  "disk base kept",
  "disk handed over",
  "seed put under",
  "command begun in the guest",
  "changes staged",
  "changes committed",
  "seed slot made",
  "seed recorded",
  "seed placed",
  "template begun",
  "template filled",
  "template recorded",
  "template placed",
  "template renamed away",
  /** With its step. */
  "export",
] as const;

export type CrashPoint = (typeof crashPoints)[number];

const wanted = process.env["PYRO_DIE_AT"];

/** `PYRO_DIE_AT` is the point's name, or name and detail, such as `workspace recorded: running`. */
export function crashPoint(name: CrashPoint, detail?: string): void {
  if (wanted === undefined || (wanted !== name && wanted !== `${name}: ${detail}`)) return;
  process.kill(process.pid, "SIGKILL");
}
