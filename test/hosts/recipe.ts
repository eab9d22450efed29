// Owns what the scripted model does: the repro-fix recipe, judged from what a host shows its model. Never knows which host it is.

import { equal, match, notEqual } from "node:assert/strict";
import type { Step, Turn } from "./models/scripted-model.js";
import { fix, testCommand } from "./project.js";

export const prompt = "The test fails. Find out why in a workspace, fix it, and export the fixed module.";
export const lastWords = "Fixed: total() left out the first price. The fixed module is in basket.fixed.py.";
export const exportedName = "basket.fixed.py";

/** Reproduce, patch, prove, show, export, clean up. */
export const reproFix: readonly Step[] = [
  () => ({ tool: "workspace_create", args: {} }),
  (results) => exec(results, testCommand),
  (results) => {
    notEqual(exitCodeOf(results), 0);
    match(last(results), /AssertionError: 3 != 5/u);
    return onWorkspace(results, "workspace_patch_apply", { patch: fix });
  },
  (results) => {
    match(last(results), /basket\.py/u);
    return exec(results, testCommand);
  },
  (results) => {
    equal(exitCodeOf(results), 0);
    return onWorkspace(results, "workspace_diff");
  },
  (results) => {
    match(last(results), /b\/basket\.py/u);
    match(last(results), /\+ {4}return sum\(prices\)/u);
    return onWorkspace(results, "workspace_export", { path: "basket.py", output_path: exportedName });
  },
  (results) => {
    match(last(results), /basket\.fixed\.py/u);
    return onWorkspace(results, "workspace_reset");
  },
  (results) => {
    match(last(results), /running/u);
    return onWorkspace(results, "workspace_delete");
  },
  (results) => {
    match(last(results), /deleted/iu);
    return { text: lastWords };
  },
];

/** A later session: finds the workspace of an earlier one, works in it, and deletes it. */
export const resume: readonly Step[] = [
  () => ({ tool: "workspace_list", args: {} }),
  (results) => exec(results, "cat README"),
  (results) => {
    equal(exitCodeOf(results), 0);
    match(last(results), /A basket, being edited\./u);
    return onWorkspace(results, "workspace_delete");
  },
  () => ({ text: lastWords }),
];

/** One of each kind that hosts treat apart: it adds, it runs, it destroys. */
export const createAndDelete: readonly Step[] = [
  () => ({ tool: "workspace_create", args: {} }),
  (results) => exec(results, "cat README"),
  (results) => {
    equal(exitCodeOf(results), 0);
    return onWorkspace(results, "workspace_delete");
  },
  (results) => {
    match(last(results), /deleted/iu);
    return { text: lastWords };
  },
];

/** One command in a fresh workspace that is still there at the end. */
export function oneCommand(command: string, timeoutSeconds: number): readonly Step[] {
  return [
    () => ({ tool: "workspace_create", args: {} }),
    (results) => exec(results, command, timeoutSeconds),
    () => ({ text: lastWords }),
  ];
}

/** A command that a person stops, and one that goes on in the same workspace. */
export const interruptedCommand: readonly Step[] = [
  () => ({ tool: "workspace_create", args: {} }),
  (results) => exec(results, "echo begun; sleep 100", 100),
  (results) => exec(results, "cat README"),
  (results) => {
    equal(exitCodeOf(results), 0);
    match(last(results), /A basket, being edited\./u);
    return { text: lastWords };
  },
];

/** One command that prints `begun` and, later than a call may take, `over`: the model waits for it, then cleans up. */
export function longCommand(command: string): readonly Step[] {
  return [
    () => ({ tool: "workspace_create", args: {} }),
    (results) => exec(results, command, 600),
    (results) => {
      match(last(results), /running/u);
      match(last(results), /begun/u);
      return onWorkspace(results, "workspace_wait", { sequence: 1 });
    },
    (results) => {
      equal(exitCodeOf(results), 0);
      match(last(results), /over/u);
      return onWorkspace(results, "workspace_delete");
    },
    () => ({ text: lastWords }),
  ];
}

/** Two calls that fail, then a command whose output is far longer than hosts take. */
export const errorsAndLongOutput: readonly Step[] = [
  () => ({ tool: "workspace_exec", args: { workspace_id: "ws_aaaaaaaaaaaa", command: "true" } }),
  (results) => {
    match(last(results), /not_found/u);
    match(last(results), /There is no workspace/u);
    match(last(results), /workspace_create/u);
    return { tool: "workspace_create", args: { colour: "red" } };
  },
  (results) => {
    match(last(results), /invalid_argument/u);
    match(last(results), /Unknown field colour/u);
    match(last(results), /Correct it and call again/u);
    return { tool: "workspace_create", args: {} };
  },
  (results) => exec(results, "seq 1 100000; seq 1 100000 >&2"),
  (results) => {
    equal(exitCodeOf(results), 0);
    match(last(results), /98(?:\\n|\n)99/u);
    return onWorkspace(results, "workspace_delete");
  },
  () => ({ text: lastWords }),
];

function exec(results: readonly string[], command: string, timeoutSeconds?: number): Turn {
  const timeout = timeoutSeconds === undefined ? {} : { timeout_seconds: timeoutSeconds };
  return onWorkspace(results, "workspace_exec", { command, ...timeout });
}

function onWorkspace(results: readonly string[], tool: string, more: Readonly<Record<string, unknown>> = {}): Turn {
  const id = results
    .map((result) => /ws_[a-z2-7]{12}(?=["\s].*running)/su.exec(result)?.[0])
    .find((each) => each !== undefined);
  if (id === undefined) throw new Error(`workspace_create gave no running workspace: ${results.join("\n")}`);
  return { tool, args: { workspace_id: id, ...more } };
}

/** Some hosts show their model our text, others the structured content. */
function exitCodeOf(results: readonly string[]): number {
  const code = /exit code (\d+)|"exit_code": ?(\d+)/u.exec(last(results));
  if (code === null) throw new Error(`There is no exit code in ${last(results)}`);
  return Number(code[1] ?? code[2]);
}

function last(results: readonly string[]): string {
  return results.at(-1) ?? "";
}
