// Owns the daemon's log: what happened in this process, a line of JSON each. Never holds a command, an input or an output.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { maskPasswords } from "../base/mask-passwords.js";
import { faultOf, reportChannel, type Report } from "../base/report.js";
import { LogFile } from "./log-file.js";

/** Writes whatever this process reports to the file at `path`, until it is disposed. */
export function keepLog(path: string): Disposable {
  const file = new LogFile({ path });
  const write = (entry: Report) => file.write(masked({ at: new Date().toISOString(), ...entry }));
  const onReport = (message: unknown) => write(message as Report);
  const onCrash = (error: unknown) => write({ event: "daemon crashed", fault: faultOf(error) });
  subscribe(reportChannel, onReport);
  process.on("uncaughtExceptionMonitor", onCrash);
  return {
    [Symbol.dispose]: () => {
      unsubscribe(reportChannel, onReport);
      process.off("uncaughtExceptionMonitor", onCrash);
      file[Symbol.dispose]();
    },
  };
}

function masked(entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, mask(value)]));
}

function mask(value: unknown): unknown {
  if (typeof value === "string") return maskPasswords(value);
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value === "object" && value !== null) return masked({ ...value });
  return value;
}
