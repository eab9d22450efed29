// A vitest reporter that only counts: writes passed, failed and skipped (with the reason given), and how long each file took, to
// PYRO_TEST_COUNTS. Prints nothing.

import { writeFileSync } from "node:fs";

export class CountsReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: [], files: modules.map(timeOf) };
    for (const module of modules) count(module, counts);
    writeFileSync(process.env.PYRO_TEST_COUNTS, JSON.stringify(counts));
  }
}

/** Loading it and its hooks included. */
function timeOf(module) {
  const { prepareDuration, environmentSetupDuration, setupDuration, collectDuration, duration } = module.diagnostic();
  const parts = [prepareDuration, environmentSetupDuration, setupDuration, collectDuration, duration];
  const ms = parts.reduce((sum, part) => sum + part, 0);
  return { file: module.relativeModuleId, seconds: Math.round(ms / 100) / 10 };
}

function count(module, counts) {
  let failures = 0;
  for (const test of module.children.allTests()) {
    const { state, note } = test.result();
    if (state === "passed") counts.passed += 1;
    else if (state === "skipped") counts.skipped.push({ test: test.fullName, reason: note ?? "no reason given" });
    else failures += 1;
  }
  // A file that breaks before its first test, or in a hook, is one failure.
  if (!module.ok() && failures === 0) failures = 1;
  counts.failed += failures;
}

// vitest takes a reporter from a module's default export.
export { CountsReporter as default };
