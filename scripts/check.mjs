// The fast gate: each check that needs no machine, several at a time, with the output of those that fail. Changes no source file.
// With --without-tests only what no suite does: for a run of all suites that follows.

import { join } from "node:path";
import { runStep } from "./step.mjs";

const bin = (name) => join("node_modules", ".bin", name);
const shell = (line) => ["sh", "-c", line];

const tests = {
  name: "unit and contract tests",
  command: [bin("vitest"), "run", "--project", "unit", "--project", "contract"],
};

/** Two lanes for two cores; each lane in order. */
const LANES = [
  [
    { name: "types", command: [bin("tsc"), "-p", "tsconfig.json"] },
    { name: "lint", command: [bin("oxlint"), "--type-aware", "--deny-warnings", "."] },
    ...(process.argv.includes("--without-tests") ? [] : [tests]),
  ],
  [
    { name: "format", command: [bin("prettier"), "--check", "."] },
    {
      name: "gofmt",
      command: shell('found=$("$(scripts/go env GOROOT)/bin/gofmt" -l guest) && echo "$found" && test -z "$found"'),
    },
    { name: "go vet", command: ["scripts/go", "-C", "guest", "vet", "./..."] },
    { name: "generated files", command: [process.execPath, "scripts/generate.mjs", "--check"] },
  ],
];

const started = performance.now();
const failed = (await Promise.all(LANES.map(runLane))).flat();
const seconds = ((performance.now() - started) / 1000).toFixed(1);
process.stderr.write(failed.length === 0 ? `check passed in ${seconds} s\n` : `check failed: ${failed.join(", ")}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function runLane(steps) {
  const failures = [];
  for (const { name, command } of steps) {
    const env = { ...process.env, NO_COLOR: "1" };
    if ((await runStep({ name, command, env, spinner: false })) !== 0) failures.push(name);
  }
  return failures;
}
