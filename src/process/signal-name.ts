// Owns the names of the guest's signals: Linux's, on every processor that we know. Never sends one.

/** By number, from 1 on. */
const names = [
  "HUP",
  "INT",
  "QUIT",
  "ILL",
  "TRAP",
  "ABRT",
  "BUS",
  "FPE",
  "KILL",
  "USR1",
  "SEGV",
  "USR2",
  "PIPE",
  "ALRM",
  "TERM",
  "STKFLT",
  "CHLD",
  "CONT",
  "STOP",
  "TSTP",
  "TTIN",
  "TTOU",
  "URG",
  "XCPU",
  "XFSZ",
  "VTALRM",
  "PROF",
  "WINCH",
  "IO",
  "PWR",
  "SYS",
] as const;

/** Programs count the real-time ones from here: the C library keeps the first two. */
const firstRealTime = 34;
const lastSignal = 64;

/** Name of a signal, as `kill -l` has it; null for what is none. */
export function signalName(signal: number): string | null {
  const name = names[signal - 1];
  if (name !== undefined) return name;
  if (!Number.isInteger(signal) || signal < 1 || signal > lastSignal) return null;
  const beyond = signal - firstRealTime;
  return beyond === 0 ? "RTMIN" : `RTMIN${beyond < 0 ? "" : "+"}${beyond}`;
}

/** Undefined for what is no name. */
export function signalNumber(name: string): number | undefined {
  const at = (names as readonly string[]).indexOf(name);
  return at === -1 ? undefined : at + 1;
}
