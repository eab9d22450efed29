// Runs the long storms: cold boots with both cores busy, restores and claims in a row, half of them under load. Counts failures and
// leaks, prints one line per storm and a summary, writes build/soak.json, and exits 1 when anything failed or leaked. Asserts no times.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { daemonStatus, stopDaemon } from "./daemon.mjs";
import { footprint, leaks } from "./footprint.mjs";
import { withBusyCores } from "./load.mjs";
import { storm } from "./storm.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { values } = parseArgs({
  options: {
    boots: { type: "string", default: "20" },
    restores: { type: "string", default: "500" },
    claims: { type: "string", default: "500" },
    output: { type: "string", default: join(root, "build", "soak.json") },
  },
});
const counts = { boots: Number(values.boots), restores: Number(values.restores), claims: Number(values.claims) };

const run = mkdtempSync(join(Buffer.byteLength(tmpdir()) < 40 ? tmpdir() : "/tmp", "pyro-soak-"));
const home = join(run, "home");
cpSync(join(root, "dist"), join(run, "dist"), { recursive: true });
// Read by the daemon that the SDK starts: a cache of environments may be shared, nothing else.
process.env.PYRO_ENVIRONMENT_CACHE_DIR = process.env.PYRO_TEST_ENVIRONMENT_CACHE ?? join(run, "environments");
const { Pyro } = await import(join(run, "dist", "index.js"));
const pyro = new Pyro({ home });
const settings = (content) => writeFileSync(join(home, "settings.json"), JSON.stringify(content));

/** One run in a machine of its own; rejects when anything but the straight way happened. */
async function runOnce(expected) {
  const detours = [];
  const script = "cat /etc/hostname; head -c 16 /dev/urandom | od -An -tx1 | tr -d ' '";
  const result = await pyro.runInVm(
    { environment: "debian:12", command: ["sh", "-c", script] },
    { onProgress: ({ phase, message }) => phase !== "command" && phase !== expected && detours.push(message) },
  );
  if (result.exitCode !== 0) throw new Error(`exit ${result.exitCode}: ${result.stderr}`);
  if (detours.length > 0) throw new Error(detours.join("; "));
  const [hostname, random] = result.stdout.trim().split("\n");
  return { hostname, random };
}

/** @type {Record<string, object>} */
const report = {};
const randoms = [];
let failed = 0;

/** `settled` resolves when the daemon has all that it keeps: only then is there anything to compare with. */
async function measured(name, body, settled = async () => undefined) {
  await runOnce("any").catch(() => undefined);
  await settled();
  const before = await footprint(home);
  const result = await body();
  await settled();
  const after = await footprint(home, before);
  randoms.push(...result.randoms);
  const leaked = leaks(before, after);
  failed += result.failures.length + leaked.length;
  const { randoms: _, ...rest } = result;
  report[name] = { ...rest, leaks: leaked, footprint: { before, after } };
  const times = `p50 ${rest.p50_ms} ms, p95 ${rest.p95_ms} ms, max ${rest.max_ms} ms`;
  process.stdout.write(
    `${name}: ${rest.passed}/${rest.rounds} passed, ${times}, leaks: ${leaked.join(", ") || "none"}\n`,
  );
  for (const failure of result.failures) process.stdout.write(`  ${failure}\n`);
}

try {
  mkdirSync(home, { mode: 0o700 });
  settings({ pool_size: 0 });
  await pyro.pullEnvironment({ environment: "debian:12" });
  if (counts.boots > 0) {
    const templates = join(home, "cache", "templates");
    const boot = () => {
      for (const key of readdirSync(templates)) rmSync(join(templates, key), { recursive: true });
      return runOnce("template");
    };
    await measured("boots, loaded", () => withBusyCores(availableParallelism(), () => storm(counts.boots, boot)));
  }
  await halves("restores", { rounds: counts.restores, once: () => runOnce() });
  await stopDaemon(home);
  settings({ pool_size: 1 });
  const claim = async () => {
    const waiting = await pooledMachine();
    const { hostname, random } = await runOnce();
    if (hostname !== waiting.replace("_", "-")) throw new Error(`${waiting} waited, but ${hostname} ran`);
    return { hostname, random };
  };
  await halves("claims", { rounds: counts.claims, once: claim, settled: pooledMachine });
} finally {
  await stopDaemon(home).catch(() => undefined);
  const left = await footprint(home);
  const remains = left.processes.length + left.sockets + left.machines;
  if (remains > 0) {
    failed += 1;
    process.stdout.write(`left after the daemon was stopped: ${JSON.stringify(left)}\n`);
  }
  rmSync(run, { recursive: true, force: true });
}

const repeated = randoms.length - new Set(randoms).size;
failed += repeated;
const machine = { cpus: cpus().length, model: cpus()[0]?.model, memory_mib: Math.round(totalmem() / 1024 / 1024) };
mkdirSync(dirname(values.output), { recursive: true });
writeFileSync(
  values.output,
  `${JSON.stringify({ machine, node: process.version, repeated_random_bytes: repeated, ...report }, null, 2)}\n`,
);
const summary = Object.entries(report).map(([name, { passed, rounds }]) => `${name} ${passed}/${rounds}`);
process.stdout.write(
  `soak ${failed === 0 ? "passed" : "FAILED"}: ${summary.join(", ")}, ${repeated} repeated random bytes; ${values.output}\n`,
);
process.exit(failed === 0 ? 0 : 1);

/** Half of the rounds with nothing beside them, half with every core busy. */
async function halves(name, { rounds, once, settled }) {
  if (rounds === 0) return;
  const half = Math.ceil(rounds / 2);
  const loaded = () => withBusyCores(availableParallelism(), () => storm(rounds - half, once));
  await measured(`${name}, quiet`, () => storm(half, once), settled);
  await measured(`${name}, loaded`, loaded, settled);
}

/** The name of the machine that waits, once there is one. */
async function pooledMachine() {
  for (const until = Date.now() + 60_000; Date.now() < until;) {
    const status = await daemonStatus(home);
    const machines = readdirSync(join(home, "state", "machines"));
    if (status.pooled_machines === 1 && status.running_machines === 0 && machines.length === 1) return machines[0];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("no machine was ready in the pool after 60 s");
}
