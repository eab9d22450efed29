// Proves that the checkout names no machine of ours, and that sources keep the house rules no linter knows.

import { expect, test } from "vitest";
import { checkoutFiles, sourceFiles, type CheckoutFile } from "./checkout.js";

/** The only file that has to spell out what is forbidden. */
const SELF = "test/contract/hygiene.test.ts";

const DEVELOPER_PATHS = /\/home\/(?!USER\b|you\b)[a-z]|\/Users\/|\/work\/(main|shared)|\/tmp\/(setup|guest)-notes/;

const files = checkoutFiles((path) => path !== SELF);
const typescript = sourceFiles().filter(({ path }) => path.endsWith(".ts") && path !== SELF);
const tests = typescript.filter(({ path }) => path.endsWith(".test.ts"));

test("no file names a path of a developer's machine", () => {
  expect(matches(files, DEVELOPER_PATHS)).toEqual([]);
});

test("no test is switched off; one that cannot run calls skip with its reason while it runs", () => {
  const switchedOff = /\b(test|it|describe|suite)(\.\w+)*\.(skip|skipIf|runIf|only|todo)\b|\bskip\(\s*\)/;
  expect(matches(tests, switchedOff)).toEqual([]);
});

test("there are no enums and no namespaces", () => {
  expect(matches(typescript, /^\s*(export\s+)?(declare\s+)?((const\s+)?enum|namespace)\s+\w/)).toEqual([]);
});

test("no lint rule or type error is silenced without a reason", () => {
  const silenced = /(oxlint|eslint)-disable(?!.* -- \S)|@ts-(ignore|nocheck)|@ts-expect-error\s*$|prettier-ignore\s*$/;
  expect(matches(typescript, silenced)).toEqual([]);
});

/** `path:line: text` of each line that matches. */
function matches(among: readonly CheckoutFile[], pattern: RegExp): string[] {
  return among.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
