// Runs pyro's packed package on emulated hosts that have a real /dev/kvm, and counts what holds. Exits 1 when anything does not.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../../scripts/step.mjs";
import { step } from "../../scripts/dist-check/steps.mjs";
import { openChecks } from "./checks.mjs";
import { EmulatedHost, Stalled } from "./emulated-host.mjs";
import { hostImage } from "./host-image.mjs";
import { HOSTS } from "./hosts.mjs";
import { makePayload } from "./payload.mjs";
import { PARTS } from "./parts.mjs";

/** The emulator's own nesting stalls in one start of ten: those are begun again. */
const ATTEMPTS = 3;

const { values } = parseArgs({ options: { host: { type: "string" }, part: { type: "string" } } });

const folder = mkdtempSync("/tmp/pyro-kvm-");
const logs = join(root, "build", "logs");
mkdirSync(logs, { recursive: true });
const total = { passed: 0, failed: 0 };
const started = performance.now();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  });
}
try {
  const hosts = choose("host", HOSTS, values.host);
  const parts = choose("part", PARTS, values.part);
  const minutes = hosts.length * parts.reduce((sum, part) => sum + part.minutes, 0);
  say(`${hosts.length * parts.length} starts of emulated hosts, about ${minutes} minutes on an idle core`);
  const payload = await step("package, Node, environment", (tell) => makePayload(folder, tell));
  for (const host of hosts) {
    const files = await hostImage(host);
    for (const part of parts) await runPart({ ...files, payload }, host, part);
  }
} catch (error) {
  say(error.message);
  total.failed += 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
say(`smoke-kvm: ${total.passed} passed, ${total.failed} failed in ${minutesSince(started)} minutes`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** One start of one host; only what the last attempt found counts. */
async function runPart(files, host, part) {
  const name = `host ${host.name}, ${part.name}`;
  const log = join(logs, `smoke-kvm-${host.name}-${part.name}.log`);
  rmSync(log, { force: true });
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    say(`… ${name} (about ${part.minutes} minutes; ${log})`);
    const began = performance.now();
    const checks = openChecks((line) => say(`  ${line}`));
    const start = mkdtempSync(join(folder, "s"));
    const machine = new EmulatedHost({ ...files, folder: start, log });
    try {
      await machine.ready();
      say(`  it started after ${minutesSince(began)} minutes`);
      await part.run({ machine, host, check: checks.check });
    } catch (error) {
      if (!(error instanceof Stalled)) throw error;
      say(`  stalled: ${error.message}`);
      if (attempt < ATTEMPTS) continue;
      await checks.check("the emulated host stays alive", () => Promise.reject(new Error(error.message)));
    } finally {
      await machine.stop();
      rmSync(start, { recursive: true, force: true });
    }
    const { passed, failed } = checks.counts();
    total.passed += passed;
    total.failed += failed;
    say(`${failed === 0 ? "✓" : "✗"} ${name}: ${passed} passed, ${failed} failed in ${minutesSince(began)} minutes`);
    return;
  }
}

function choose(what, all, name) {
  if (name === undefined || name === "") return all;
  const found = all.filter((each) => each.name === name);
  if (found.length > 0) return found;
  throw new Error(`there is no ${what} ${name}: use one of ${all.map((each) => each.name).join(", ")}`);
}

function minutesSince(since) {
  return ((performance.now() - since) / 60_000).toFixed(1);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
