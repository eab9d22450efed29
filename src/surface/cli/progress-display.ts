// Owns showing on standard error how far a long call is. Silent for its first second. Never writes to standard output.
import { noticePhase, type ProgressEvent } from "../../base/progress.js";
import { visibleLine } from "../../base/visible.js";
import type { Sink } from "./sink.js";

export interface ProgressDisplay {
  update(event: ProgressEvent): void;
  /** Takes it off the screen, for output that follows; it comes back only with `update`. */
  clear(): void;
  /** No more from here on. */
  stop(): void;
}

/** Milliseconds before anything is shown, between two drawings of a line, and between two plain lines. */
const quietMs = 1000;
const redrawMs = 100;
const plainMs = 5000;

const clearLine = "\r\u001b[K";
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** One line that changes on a terminal; elsewhere a line for every long phase and at least every five seconds. */
export function progressDisplay(stderr: Sink, now: () => number = () => performance.now()): ProgressDisplay {
  const show = stderr.isTerminal ? terminalLine(stderr, now) : plainLines(stderr, now);
  let current: Phase | undefined;
  const timer = setInterval(() => current !== undefined && show.draw(current), redrawMs);
  timer.unref();
  const clear = () => {
    current = undefined;
    show.clear();
  };
  return {
    update: (event) => {
      if (event.phase === noticePhase) return show.note(event.message);
      current = { event, since: current?.event.phase === event.phase ? current.since : now() };
      show.draw(current);
    },
    clear,
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
}

interface Phase {
  readonly event: ProgressEvent;
  readonly since: number;
}

interface Drawing {
  draw(phase: Phase): void;
  /** A line of its own, which stays. */
  note(message: string): void;
  clear(): void;
}

function terminalLine(stderr: Sink, now: () => number): Drawing {
  const began = now();
  let drawnAt: number | undefined;
  let frame = 0;
  return {
    note: (message) => {
      if (drawnAt !== undefined) void stderr.pass(clearLine);
      void stderr.write(`pyro: ${message}\n`);
      drawnAt = undefined;
    },
    draw: ({ event }) => {
      if (now() - began < quietMs || (drawnAt !== undefined && now() - drawnAt < redrawMs)) return;
      drawnAt = now();
      frame += 1;
      const line = `${frames[frame % frames.length] ?? ""} ${describeProgress(event)} · ${seconds(now() - began)}`;
      void stderr.pass(clearLine + visibleLine(line).slice(0, stderr.columns() - 1));
    },
    clear: () => {
      if (drawnAt !== undefined) void stderr.pass(clearLine);
      drawnAt = undefined;
    },
  };
}

function plainLines(stderr: Sink, now: () => number): Drawing {
  let shown: Phase | undefined;
  let writtenAt = now();
  const write = (text: string) => {
    writtenAt = now();
    void stderr.write(`pyro: ${visibleLine(text)}\n`);
  };
  const finish = (end: number) => {
    // Nobody says how it ended: another phase, or an error, follows either way.
    if (shown !== undefined) write(`${shown.event.phase} took ${seconds(end - shown.since)}`);
    shown = undefined;
  };
  return {
    note: write,
    draw: (phase) => {
      if (shown !== undefined && shown.event.phase !== phase.event.phase) finish(phase.since);
      const age = now() - phase.since;
      const isDue = now() - writtenAt >= plainMs;
      if (shown === undefined ? age < quietMs && !isDue : !isDue) return;
      write(shown === undefined ? describeProgress(phase.event) : `${describeProgress(phase.event)} · ${seconds(age)}`);
      shown = phase;
    },
    clear: () => finish(now()),
  };
}

/** Such as `Unpacking · 12.0 of 80.5 MiB (14 %)`. */
export function describeProgress({ message, done, total, unit }: ProgressEvent): string {
  if (done === undefined) return message;
  const format = unit === "bytes" ? (value: number) => (value / 1024 / 1024).toFixed(1) : String;
  const suffix = unit === "bytes" ? " MiB" : "";
  if (total === undefined || total <= 0) return `${message} · ${format(done)}${suffix}`;
  return `${message} · ${format(done)} of ${format(total)}${suffix} (${Math.min(100, Math.floor((done / total) * 100))} %)`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
