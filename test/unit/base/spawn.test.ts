// Proves that a host program is over when its caller has given it up, with all that it started, and that what it was told is not lost.

import { expect, test } from "vitest";
import { startChild } from "../../../src/base/child-process.js";
import { runProgram } from "../../../src/base/spawn.js";
import { eventually } from "../../e2e/eventually.js";
import { isAlive } from "../../e2e/processes.js";

const timeoutMs = 60_000;
const never = new AbortController().signal;
const shell = (script: string) => ["sh", "-c", script] as const;

const hasEnded = (pid: number) => eventually(() => !isAlive(pid), Boolean);

/** Starts a program of its own and says its number on standard error. */
const [, ...withOffspring] = shell("sleep 1000 & echo $! >&2; wait");

test("what is given up ends with everything that it started", async () => {
  const caller = new AbortController();
  let pid: number | undefined;
  const onStderrLine = (line: string) => {
    pid = Number(line);
    caller.abort(new Error("given up"));
  };
  const run = runProgram("sh", withOffspring, { signal: caller.signal, timeoutMs, onStderrLine });
  await expect(run).rejects.toThrow("given up");
  expect(await hasEnded(pid ?? 0)).toBe(true);
});

test("what takes too long ends with everything that it started", async () => {
  let pid: number | undefined;
  const onStderrLine = (line: string) => void (pid = Number(line));
  const run = runProgram("sh", withOffspring, { signal: never, timeoutMs: 2000, onStderrLine });
  await expect(run).rejects.toMatchObject({ code: "deadline_exceeded" });
  expect(await hasEnded(pid ?? 0)).toBe(true);
});

test("a program gives what it printed, and its last words where it fails", async () => {
  const run = (script: string, input = "") => {
    const [program, ...args] = shell(script);
    return runProgram(program, args, { signal: never, timeoutMs, input });
  };
  expect(await run("cat; echo warned >&2", "what it read")).toEqual({ stdout: "what it read", stderrTail: "warned\n" });
  await expect(run("echo broken >&2; exit 3")).rejects.toThrow("sh failed (exit code 3): broken");
  await expect(run("kill -TERM $$")).rejects.toThrow("sh failed (signal SIGTERM): no message");
});

test("a program that is not there is said to be not installed", async () => {
  const run = runProgram("no-program-of-this-name", [], { signal: never, timeoutMs });
  await expect(run).rejects.toMatchObject({ code: "unavailable" });
});

test("a group is ended also after the program that led it", async () => {
  const child = startChild({ command: shell("sleep 1000 >/dev/null 2>&1 & echo $!"), env: process.env });
  let said = "";
  child.stdout.on("data", (data: Buffer) => (said += String(data)));
  expect(await child.closed).toEqual({ code: 0, signal: null });
  child.endGroup();
  expect(await hasEnded(Number(said))).toBe(true);
});
