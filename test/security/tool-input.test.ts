// Proves that no input of a call costs more than its answer is worth. Starts no machine.
import { expect, test } from "vitest";
import { asPyroError } from "../../src/base/error.js";
import { parseInput } from "../../src/operations/input.js";
import { workspaceCreateOperation, workspaceUpdateOperation } from "../../src/operations/workspace.js";
import { maxLabels } from "../../src/workspace/record/record.js";

function refused(input: Readonly<Record<string, unknown>>): string {
  try {
    parseInput(workspaceCreateOperation.input, input);
    return "accepted";
  } catch (error) {
    const { code, message } = asPyroError(error);
    return `${code}: ${message}`;
  }
}

const many = (count: number, prefix = "k") =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, "v"]));

test("a workspace has at most 64 labels", () => {
  expect([refused({ labels: many(maxLabels) }), refused({ labels: many(maxLabels + 1) })]).toEqual([
    "accepted",
    "invalid_argument: labels is not accepted: has more than 64 labels.",
  ]);
  const update = { workspace_id: "ws_x", labels: many(maxLabels + 1) };
  expect(() => parseInput(workspaceUpdateOperation.input, update)).toThrow("has more than 64 labels");
});

test("hundreds of thousands of labels, fields or broken keys are refused in one short sentence", () => {
  const answers = [
    refused({ labels: many(300_000) }),
    refused({ labels: many(300_000, "-") }),
    refused(many(300_000)),
    refused({ labels: many(900, "-") }),
    refused(many(900)),
    refused({ ["x".repeat(5_000_000)]: 1 }),
    refused({ labels: { ["-".repeat(5_000_000)]: "v" } }),
  ];
  expect(answers.filter((answer) => !answer.startsWith("invalid_argument: ") || answer.length > 8000)).toEqual([]);
  expect(answers[0]).toBe("invalid_argument: labels has 300000 entries, which is more than 1000.");
});
