// Runs the suites (those that need no chat host, or those named as arguments) and counts over all of them.
// The last line is always "N passed, N failed".
// A suite without tests is a failure: it says nothing about the product. Skipped tests are listed with their reasons.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runGoTests } from "./go-tests.mjs";
import { root, spawnShown } from "./step.mjs";

const DEFAULT_SUITES = ["go", "unit", "contract", "e2e"];
const SUITES = [...DEFAULT_SUITES, "hosts"];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`unknown suite ${unknown.join(", ")}; there are ${SUITES.join(", ")}\n`);
  process.exit(64);
}

/** Files that are named with the time that they took, the slowest first. */
const SLOWEST = 10;

const total = { passed: 0, failed: 0, skipped: [], files: [] };
for (const suite of asked.length === 0 ? DEFAULT_SUITES : asked) {
  const started = performance.now();
  process.stdout.write(`\n── ${suite} tests\n`);
  const counts = suite === "go" ? await runGoTests() : await runVitest(suite);
  if (counts.passed + counts.failed === 0) {
    process.stdout.write(`suite ${suite}: no test ran\n`);
    counts.failed = 1;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`── ${suite}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s\n`);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped.push(...counts.skipped.map((entry) => ({ ...entry, suite })));
  total.files.push(...(counts.files ?? []));
}

if (total.skipped.length > 0) process.stdout.write(`\nskipped:\n`);
for (const { suite, test, reason } of total.skipped) process.stdout.write(`  ${suite}: ${test}: ${reason}\n`);
const slowest = total.files.toSorted((left, right) => right.seconds - left.seconds).slice(0, SLOWEST);
if (slowest.length > 0) process.stdout.write("\nslowest:\n");
for (const { file, seconds } of slowest) process.stdout.write(`  ${seconds.toFixed(1).padStart(6)} s  ${file}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

async function runVitest(project) {
  const folder = join(root, "build", "test");
  const countsPath = join(folder, `${project}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(countsPath, { force: true });
  const reporters = ["--reporter=default", `--reporter=${join(root, "scripts", "vitest-counts.mjs")}`];
  const vitest = join(root, "node_modules", ".bin", "vitest");
  const code = await spawnShown([vitest, "run", "--project", project, ...reporters], {
    PYRO_TEST_COUNTS: countsPath,
    ...(process.stdout.isTTY === true ? {} : { NO_COLOR: "1", FORCE_COLOR: "0" }),
  });
  const counts = readCounts(countsPath);
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

function readCounts(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { passed: 0, failed: 0, skipped: [], files: [] };
  }
}
