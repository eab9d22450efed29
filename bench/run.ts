// Owns the order of the benchmark and what becomes of its results. Never measures.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureBoots } from "./boots.js";
import { measureCommands } from "./commands.js";
import { documentOf } from "./document.js";
import { describeHost, warningsAbout } from "./host.js";
import { measureHostileArchives } from "./hostile.js";
import { measureMemory } from "./memory.js";
import { findSource, measurePool, measurePrograms, measureRestores, measureStorm } from "./restores.js";
import type { Result } from "./result.js";
import type { Measured } from "./row.js";
import { openSubject, type Subject } from "./subject.js";
import { tableOf } from "./table.js";
import { measureWorkspaces } from "./workspaces.js";

/** How many samples each figure is made of. */
const full = {
  boots: 3,
  restores: 10,
  claims: 8,
  execs: 60,
  storms: 3,
  memory: 3,
  runs: 10,
  starts: 12,
  streams: 2,
  archives: 3,
  workspaces: 6,
};
const quick = {
  boots: 1,
  restores: 3,
  claims: 3,
  execs: 10,
  storms: 1,
  memory: 1,
  runs: 3,
  starts: 3,
  streams: 1,
  archives: 1,
  workspaces: 2,
};

/** Measures everything; the exit code is 0 unless something did not work. `--quick`: few samples, no document. */
export async function run(root: string, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { quick: { type: "boolean", default: false } } });
  const startedAt = new Date();
  await using subject = await openSubject();
  const source = await findSource(subject);
  const host = describeHost(subject.engine.accelerator, source.commandLine[0] ?? "");
  const warnings = warningsAbout(host);
  for (const warning of warnings) console.error(warning);
  const counts = values.quick ? quick : full;
  const measured = await measureAll({ root, subject, source }, counts);
  const result: Result = {
    format: 1,
    started_at: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    host,
    warnings,
    rows: measured.flatMap(({ rows }) => rows),
    profiles: measured.flatMap(({ profiles }) => profiles),
  };
  const json = `${JSON.stringify(result, null, 2)}\n`;
  await mkdir(join(root, "build"), { recursive: true });
  await writeFile(join(root, "build", "bench.json"), json);
  if (!values.quick) await writeFile(join(root, "docs", "performance.md"), documentOf(result));
  process.stdout.write(`${json}\n${tableOf(result)}`);
  return 0;
}

interface Bench {
  readonly root: string;
  readonly subject: Subject;
  readonly source: Awaited<ReturnType<typeof findSource>>;
}

async function measureAll({ root, subject, source }: Bench, counts: typeof full): Promise<Measured[]> {
  const measured: Measured[] = [];
  const step = async (name: string, measure: () => Promise<Measured>) => {
    console.error(`measuring ${name}`);
    measured.push(await measure());
  };
  await step("restores", () => measureRestores(subject, source, counts.restores));
  const create = measured[0]?.rows.find(({ id }) => id === "create_from_template")?.figure;
  if (create === undefined) throw new Error("no create was measured");
  await step("claims", () => measurePool(subject, source, counts.claims));
  await step("programs", () => measurePrograms(subject, source, counts.execs));
  await step("creates at once", () => measureStorm(subject, counts.storms, create));
  await step("memory", () => measureMemory(subject, counts.memory));
  await step("boots", () => measureBoots(subject, counts.boots));
  const rawExec = measured.flatMap(({ rows }) => rows).find(({ id }) => id === "exec")?.reference?.figure;
  if (rawExec === undefined) throw new Error("no raw exec was measured");
  await step("workspaces", () => measureWorkspaces({ root, subject }, counts.workspaces, rawExec));
  await step("hostile archives", () => measureHostileArchives(counts.archives));
  await step("commands", () => measureCommands({ root, subject }, counts));
  return measured;
}
