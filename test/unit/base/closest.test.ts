// Proves which word is named for one that was mistyped, and that a word which is like none is left alone.
import { expect, test } from "vitest";
import { closest } from "../../../src/base/closest.js";

const words = ["exec", "export", "list", "logs", "delete", "diff", "doctor"];

test.each([
  ["exce", "exec"],
  ["lsit", "list"],
  ["delte", "delete"],
  ["dleete", "delete"],
  ["docter", "doctor"],
  ["exp", "export"],
  ["lst", "list"],
])("%s is %s", (typed, meant) => expect(closest(typed, words)).toBe(meant));

test.each(["x", "cexe", "shell", "tsil"])("%s is none of them", (typed) =>
  expect(closest(typed, words)).toBe(undefined),
);
