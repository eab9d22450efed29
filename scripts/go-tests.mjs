// Runs the guest agent's Go tests under the race detector, shows their progress and counts them.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { root } from "./step.mjs";

/**
 * Resolves when the Go tests have ended; a package that does not build is one failure.
 * @returns {Promise<{passed: number, failed: number, skipped: {test: string, reason: string}[], files: {file: string, seconds: number}[]}>}
 */
export async function runGoTests() {
  const counts = { passed: 0, failed: 0, skipped: [], files: [] };
  const seen = { outputs: new Map(), parents: new Set(), packagesWithFailures: new Set() };
  const child = spawn(join(root, "scripts", "go"), ["-C", "guest", "test", "-race", "-json", "./..."], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("close", resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) note(parse(line), counts, seen);
  const code = await ended;
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

function note(event, counts, seen) {
  const { outputs, parents } = seen;
  const key = event.Test === undefined ? (event.Package ?? event.ImportPath) : `${event.Package} ${event.Test}`;
  if (event.Output !== undefined) outputs.set(key, (outputs.get(key) ?? "") + event.Output);
  else if (event.Test === undefined) notePackage(event, counts, seen);
  else if (["pass", "fail", "skip"].includes(event.Action)) {
    parents.add(key.slice(0, key.lastIndexOf("/")));
    // Its subtests were counted already.
    if (!parents.has(key)) noteTest(event, counts, seen);
    outputs.delete(key);
  }
}

function noteTest(event, counts, { outputs, packagesWithFailures }) {
  const test = `${event.Package} ${event.Test}`;
  const output = outputs.get(test) ?? "";
  if (event.Action === "pass") counts.passed += 1;
  else if (event.Action === "skip") counts.skipped.push({ test, reason: reasonIn(output) });
  else {
    counts.failed += 1;
    packagesWithFailures.add(event.Package);
    process.stdout.write(`✗ ${test}\n${output}`);
  }
}

function notePackage(event, counts, { outputs, packagesWithFailures }) {
  if (event.Elapsed > 0) counts.files.push({ file: event.Package, seconds: event.Elapsed });
  if (event.Action === "pass") process.stdout.write(`✓ ${event.Package}  ${event.Elapsed} s\n`);
  if (event.Action !== "fail") return;
  process.stdout.write(`✗ ${event.Package}  ${event.Elapsed} s\n`);
  if (packagesWithFailures.has(event.Package)) return;
  counts.failed += 1;
  process.stdout.write(`${outputs.get(event.FailedBuild) ?? ""}${outputs.get(event.Package) ?? ""}`);
}

/** The line that t.Skip wrote, without its file and line number. */
function reasonIn(output) {
  const lines = output.split("\n").filter((line) => /^\s+\S+\.go:\d+: /.test(line));
  return lines.at(-1)?.replace(/^\s+\S+\.go:\d+: /, "") ?? "no reason given";
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return { Package: "go test", Output: `${line}\n` };
  }
}
