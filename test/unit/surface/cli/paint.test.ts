// Proves where there are colours, and that painting adds nothing but them.
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { hasColours, paintError, paintHelp, paints } from "../../../../src/surface/cli/paint.js";
import { createSink } from "../../../../src/surface/cli/sink.js";

// oxlint-disable-next-line no-control-regex -- that is what they are made of
const colours = /\u001b\[\d+m/gu;

/** Colours by name, so that a test can be read. */
const named = (painted: string) =>
  painted
    .replaceAll("\u001b[0m", ">")
    .replaceAll("\u001b[1m", "<bold ")
    .replaceAll("\u001b[2m", "<dim ")
    .replaceAll("\u001b[31m", "<red ")
    .replaceAll("\u001b[32m", "<green ")
    .replaceAll("\u001b[36m", "<cyan ");

test("colours are a terminal's, unless NO_COLOR says something or the terminal has none", () => {
  const terminal = { isTTY: true };
  expect(hasColours(terminal, { TERM: "xterm-256color" })).toBe(true);
  expect(hasColours(terminal, { NO_COLOR: "" })).toBe(true);
  expect(hasColours(terminal, { NO_COLOR: "1" })).toBe(false);
  expect(hasColours(terminal, { NO_COLOR: "0" })).toBe(false);
  expect(hasColours(terminal, { TERM: "dumb" })).toBe(false);
  expect(hasColours({}, {})).toBe(false);
});

test("a patch is coloured as git does it, its removed dashes too", () => {
  const patch =
    "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,2 @@ f()\n same\n--- gone\n+new\n\\ No newline at end of file\n";
  const painted = paints.patch(patch);
  expect(named(painted).split("\n")).toEqual([
    ...["<bold diff --git a/x b/x>", "<bold --- a/x>", "<bold +++ b/x>", "<cyan @@ -1,3 +1,2 @@> f()", " same"],
    ...["<red --- gone>", "<green +new>", "\\ No newline at end of file", ""],
  ]);
  expect(painted.replaceAll(colours, "")).toBe(patch);
});

test("states, findings, headings and errors are coloured", () => {
  expect(named(paints.states("ID    NAME   STATE\nws_1  fix    running  x\nws_2  -      stopped"))).toBe(
    "<bold ID    NAME   STATE>\nws_1  fix    <green running>  x\nws_2  -      <dim stopped>",
  );
  expect(named(paints.states("ws_1 (fix)  failed  debian:12"))).toBe("ws_1 (fix)  <red failed>  debian:12");
  expect(named(paints.states("debian:12   installed   80 MiB"))).toBe("debian:12   <green installed>   80 MiB");
  expect(named(paints.findings("ok      Room   enough\nERROR   KVM    none"))).toBe(
    "<green ok>      Room   enough\n<red ERROR>   KVM    none",
  );
  expect(named(paintHelp("Usage: pyro\n\nFlags:\n  --all"))).toBe("<bold Usage:> pyro\n\n<bold Flags:>\n  --all");
  expect(named(paintError("pyro: No.\n  Do that."))).toBe("<red pyro:> No.\n  Do that.");
});

describe("a sink", () => {
  const written = async (given: boolean, data: string) => {
    const stream = Object.assign(new PassThrough(), { isTTY: true });
    const sink = createSink(stream, { guard: "terminal", colours: given, onFailure: () => undefined });
    await sink.write(data, paints.patch);
    stream.end();
    return text(stream);
  };

  test("paints where there are colours, and never lets a text bring its own", async () => {
    const hostile = "@@ -1 +1 @@\n+\u001b[31mred";
    expect(named(await written(true, hostile))).toBe("<cyan @@ -1 +1 @@>\n<green +^[[31mred>");
    expect(await written(false, hostile)).toBe("@@ -1 +1 @@\n+^[[31mred");
  });
});
