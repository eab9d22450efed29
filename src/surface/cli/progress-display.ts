// Owns showing on standard error how far a long call is. Silent for its first second. Never writes to standard output.
import { bytesDone, megabytes, noticePhase, progressText, type ProgressEvent } from "../../base/progress.js";
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
      const { since, bytesBefore } =
        current?.event.phase === event.phase ? current : { since: now(), bytesBefore: bytesDone(event) };
      current = { event, since, bytesBefore: bytesBefore ?? bytesDone(event) };
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
  /** What its first event that counted bytes had. */
  readonly bytesBefore: number | undefined;
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
    draw: (phase) => {
      if (now() - began < quietMs || (drawnAt !== undefined && now() - drawnAt < redrawMs)) return;
      drawnAt = now();
      frame += 1;
      const line = `${frames[frame % frames.length] ?? ""} ${described(phase, now())} · ${seconds(now() - began)}`;
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
    if (shown !== undefined) write(`${described(shown, end)} · ${seconds(end - shown.since)}`);
    shown = undefined;
  };
  return {
    note: write,
    draw: (phase) => {
      if (shown !== undefined && shown.event.phase !== phase.event.phase) finish(phase.since);
      const age = now() - phase.since;
      const isDue = now() - writtenAt >= plainMs;
      if (shown === undefined ? age < quietMs && !isDue : !isDue) return;
      write(shown === undefined ? progressText(phase.event) : `${described(phase, now())} · ${seconds(age)}`);
      shown = phase;
    },
    clear: () => finish(now()),
  };
}

/** With how fast its bytes come, as soon as that can be told. */
function described({ event, since, bytesBefore }: Phase, now: number): string {
  const bytes = bytesDone(event);
  const age = now - since;
  if (bytes === undefined || bytesBefore === undefined || bytes <= bytesBefore || age < quietMs)
    return progressText(event);
  return `${progressText(event)} · ${megabytes(((bytes - bytesBefore) / age) * 1000)} MB/s`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
