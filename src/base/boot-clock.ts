// Owns the clock that nobody can set and that goes on while the host sleeps. Never tells the time of day.
import { readFileSync } from "node:fs";

/** Milliseconds since this host's boot, to 10 ms: CLOCK_BOOTTIME, which Node itself does not offer. */
export function sinceBootMs(): number {
  // The kernel answers from memory.
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
}
