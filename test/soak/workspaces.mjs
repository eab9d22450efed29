// Runs two clients that create, use and delete workspaces in batches, and counts failures and leaks. Exits 1 when there is any.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stopDaemon } from "./daemon.mjs";
import { footprint, leaks } from "./footprint.mjs";

const { values } = parseArgs({
  options: { workspaces: { type: "string", default: "50" }, batch: { type: "string", default: "8" } },
});
const wanted = { workspaces: Number(values.workspaces), batch: Number(values.batch) };

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const run = mkdtempSync(join(Buffer.byteLength(tmpdir()) < 40 ? tmpdir() : "/tmp", "pyro-soak-"));
const home = join(run, "home");
const seed = join(run, "seed");
cpSync(join(root, "dist"), join(run, "dist"), { recursive: true });
for (const folder of [home, seed]) mkdirSync(folder, { mode: 0o700 });
for (let index = 0; index < 200; index += 1) writeFileSync(join(seed, `file${index}.txt`), `file ${index}\n`);
process.env.PYRO_ENVIRONMENT_CACHE_DIR = process.env.PYRO_TEST_ENVIRONMENT_CACHE ?? join(run, "environments");
const { Pyro } = await import(join(run, "dist", "index.js"));
const clients = [new Pyro({ home }), new Pyro({ home })];

const failures = [];
let passed = 0;

/** The whole life of one workspace; what goes wrong is noted. */
async function life(pyro, number) {
  try {
    const { workspaceId } = await pyro.createWorkspace({ environment: "debian:12", seedPath: seed, memMib: 512 });
    const ran = await pyro.execWorkspace({
      workspaceId,
      command: ["sh", "-c", `cat file7.txt && echo ${number} > mine.txt`],
    });
    if (ran.exitCode !== 0 || ran.stdout !== "file 7\n") throw new Error(`exec: ${ran.exitCode} ${ran.stderr}`);
    const { entries } = await pyro.diffWorkspace({ workspaceId });
    if (entries.length !== 1 || entries[0].path !== "mine.txt") throw new Error(`diff: ${JSON.stringify(entries)}`);
    await pyro.deleteWorkspace({ workspaceId });
    passed += 1;
  } catch (error) {
    failures.push(`workspace ${number}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function batches(first, count) {
  for (let done = 0; done < count; done += wanted.batch) {
    const size = Math.min(wanted.batch, count - done);
    await Promise.all(Array.from({ length: size }, (_, at) => life(clients[at % 2], first + done + at)));
  }
}

let leaked = [];
try {
  await clients[0].pullEnvironment({ environment: "debian:12" });
  await batches(0, wanted.batch);
  const before = await footprint(home);
  await batches(wanted.batch, wanted.workspaces);
  leaked = leaks(before, await footprint(home, before));
} finally {
  await stopDaemon(home).catch(() => undefined);
  rmSync(run, { recursive: true, force: true });
}
for (const failure of failures) process.stdout.write(`  ${failure}\n`);
const good = failures.length === 0 && leaked.length === 0;
process.stdout.write(
  `workspaces ${good ? "passed" : "FAILED"}: ${passed}/${wanted.batch + wanted.workspaces} lives in batches of ` +
    `${wanted.batch} by two clients, leaks: ${leaked.join(", ") || "none"}\n`,
);
process.exit(good ? 0 : 1);
