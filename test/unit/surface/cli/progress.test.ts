// Proves what a person sees of a long call, on a terminal and in a log.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { notice, progressText, type ProgressEvent } from "../../../../src/base/progress.js";
import { progressDisplay } from "../../../../src/surface/cli/progress-display.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function display(isTerminal: boolean) {
  let written = "";
  const pass = (data: string | Uint8Array) => {
    written += String(data);
    return Promise.resolve();
  };
  const shown = progressDisplay({ isTerminal, columns: () => 40, write: pass, pass }, () => Date.now());
  return { ...shown, written: () => written };
}

const boot = { phase: "boot", message: "Starting a machine" };

test("nothing is shown of what takes less than a second", () => {
  for (const isTerminal of [true, false]) {
    const shown = display(isTerminal);
    shown.update(boot);
    vi.advanceTimersByTime(900);
    shown.stop();
    expect(shown.written()).toBe("");
  }
});

test("a log gets a line when a phase lasts, every five seconds of it, and at its end", () => {
  const shown = display(false);
  shown.update({ phase: "download", message: "Downloading", done: 0, total: 4e6, unit: "bytes" });
  vi.advanceTimersByTime(1500);
  shown.update({ phase: "download", message: "Downloading", done: 1e6, total: 4e6, unit: "bytes" });
  vi.advanceTimersByTime(5000);
  shown.update(boot);
  vi.advanceTimersByTime(200);
  shown.stop();
  expect(shown.written().split("\n")).toEqual([
    "pyro: Downloading · 0.0 of 4.0 MB (0 %)",
    "pyro: Downloading · 1.0 of 4.0 MB (25 %) · 0.2 MB/s · 6.0 s",
    "pyro: Downloading · 1.0 of 4.0 MB (25 %) · 0.2 MB/s · 6.5 s",
    "",
  ]);
});

test("a phase that did not come to its end is not called done", () => {
  const shown = display(false);
  shown.update({ phase: "template", message: "Preparing debian:12 for instant starts (once)" });
  vi.advanceTimersByTime(5000);
  shown.update({ phase: "boot", message: "No saved machine (The machine ended); booting instead" });
  vi.advanceTimersByTime(1100);
  shown.stop();
  expect(shown.written().split("\n")).toEqual([
    "pyro: Preparing debian:12 for instant starts (once)",
    "pyro: Preparing debian:12 for instant starts (once) · 5.0 s",
    "pyro: No saved machine (The machine ended); booting instead",
    "pyro: No saved machine (The machine ended); booting instead · 1.1 s",
    "",
  ]);
});

test("a log hears at least every five seconds of phases that are each too short to be shown", () => {
  const shown = display(false);
  for (let step = 0; step < 24; step += 1) {
    shown.update({ phase: `step ${step}`, message: `Step ${step}` });
    vi.advanceTimersByTime(500);
  }
  shown.stop();
  const lines = shown
    .written()
    .split("\n")
    .filter((line) => !/ · [\d.]+ s$/u.test(line) && line !== "");
  expect(lines.length).toBeGreaterThanOrEqual(2);
});

test("a terminal gets one line that changes, within its width, and that goes before other output", () => {
  const shown = display(true);
  shown.update({ ...boot, message: "Starting a machine with a name that is too long" });
  vi.advanceTimersByTime(1300);
  shown.clear();
  const drawn = shown.written().split("\r\u001b[K");
  expect(drawn.length).toBeGreaterThan(3);
  expect(drawn.every((line) => line.length < 40 && !line.includes("\n"))).toBe(true);
  expect(drawn.at(-1)).toBe("");
  const before = shown.written();
  vi.advanceTimersByTime(5000);
  expect(shown.written()).toBe(before);
});

test("steps and bytes are shown in their units", () => {
  expect(progressText({ phase: "x", message: "Installing", done: 3, total: 4, unit: "steps" })).toBe(
    "Installing · 3 of 4 (75 %)",
  );
  expect(progressText({ phase: "x", message: "Writing", done: 1e6, unit: "bytes" })).toBe("Writing · 1.0 MB");
  expect(progressText({ phase: "x", message: "Waiting" })).toBe("Waiting");
});

const copying = (done: number, bytes: number): ProgressEvent => {
  const counted = { unit: "steps", things: "files", done, total: 6569, bytes } as const;
  return { phase: "seed", message: "Copying node_modules", ...counted };
};

test("files are counted, and how fast they come is told once that is known", () => {
  const shown = display(false);
  shown.update(copying(64, 100_000));
  vi.advanceTimersByTime(1500);
  shown.update(copying(2100, 6_100_000));
  vi.advanceTimersByTime(5000);
  shown.stop();
  expect(shown.written().split("\n")).toEqual([
    "pyro: Copying node_modules · 64 of 6,569 files",
    "pyro: Copying node_modules · 2,100 of 6,569 files · 1.0 MB/s · 6.0 s",
    "pyro: Copying node_modules · 2,100 of 6,569 files · 0.9 MB/s · 6.5 s",
    "",
  ]);
});

test("what a person should read in any case is a line of its own at once, and what went on goes on", () => {
  const log = display(false);
  log.update(notice("KVM no longer works"));
  expect(log.written()).toBe("pyro: KVM no longer works\n");
  const terminal = display(true);
  terminal.update(boot);
  vi.advanceTimersByTime(1500);
  terminal.update(notice("KVM no longer works"));
  const line = "\r\u001b[Kpyro: KVM no longer works\n";
  expect(terminal.written().endsWith(line)).toBe(true);
  vi.advanceTimersByTime(200);
  expect(terminal.written().split(line)[1]).toContain("Starting a machine");
  terminal.stop();
});
