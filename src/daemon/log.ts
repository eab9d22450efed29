// Owns the daemon's log: what happened in this process, a line of JSON each. Never holds a command, an input or an output.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { maskPasswords } from "../base/mask-passwords.js";
import { currentCall } from "../base/call-scope.js";
import { faultOf, flightEvent, reportChannel, type Report } from "../base/report.js";
import { stageChannel, stageTopics, type StageDone } from "../base/stage.js";
import { FlightRecorder } from "./flight-recorder.js";
import { LogFile } from "./log-file.js";

export interface LogOptions {
  readonly path: string;
  /** What else than reports goes to the log: topics of stages, with commas between them, or `all`. */
  readonly debug?: string | undefined;
}

/** Writes whatever this process reports to the log, until it is disposed. */
export function keepLog({ path, debug = "" }: LogOptions): Disposable {
  const file = new LogFile({ path });
  const flights = new FlightRecorder();
  const { topics, unknown } = debugTopics(debug);
  const write = (entry: Report) => file.write(masked({ at: new Date().toISOString(), ...entry }));
  const onReport = (message: unknown) => {
    const entry = message as Report;
    const flight =
      entry.event === flightEvent ? flights.of(entry["machine"], performance.timeOrigin + performance.now()) : {};
    write({ ...entry, ...flight });
  };
  const onStage = (message: unknown) => {
    const stage = message as StageDone;
    flights.add(stage);
    if (topics.has(stage.topic)) write(stageEntry(stage));
  };
  if (unknown.length > 0) write({ event: "PYRO_DEBUG has unknown topics", unknown, topics: stageTopics });
  subscribe(stageChannel, onStage);
  const onCrash = (error: unknown) => write({ event: "daemon crashed", fault: faultOf(error) });
  subscribe(reportChannel, onReport);
  process.on("uncaughtExceptionMonitor", onCrash);
  return {
    [Symbol.dispose]: () => {
      unsubscribe(stageChannel, onStage);
      unsubscribe(reportChannel, onReport);
      process.off("uncaughtExceptionMonitor", onCrash);
      file[Symbol.dispose]();
    },
  };
}

function stageEntry({ topic, id, stage }: StageDone): Report {
  const call = currentCall();
  return { event: topic, ...(call === undefined ? {} : { call }), id, stage };
}

function debugTopics(text: string): { readonly topics: ReadonlySet<string>; readonly unknown: readonly string[] } {
  const words = text.split(",").map((word) => word.trim());
  const named = words.filter((word) => word !== "");
  const known: readonly string[] = stageTopics;
  const topics = named.includes("all") ? known : named;
  return { topics: new Set(topics), unknown: named.filter((word) => word !== "all" && !known.includes(word)) };
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
