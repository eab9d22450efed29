// Owns measuring what is done to workspaces, through the daemon as every surface does. Never calls into the workspace code.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { callDaemon } from "../src/client/call.js";
import { daemonSocketPath } from "../src/daemon/record.js";
import type { Commands } from "./commands.js";
import { startDaemon, type BenchDaemon } from "./daemon.js";
import { alternate, timed, type Figure } from "./figure.js";
import { startMcp } from "./mcp-client.js";
import type { Measured, Row } from "./row.js";
import { environmentName, memMib } from "./subject.js";

const created = z.object({ workspace_id: z.string() });

/** Files of the seed whose creation is measured; 6 KB each, as a source tree has. */
const seedFiles = 5000;
const seedFileBytes = 6000;
/** So that the largest tree is no more than a few hundred MB on any file system. */
const diffFileBytes = 100;
const installedFiles = 3000;
/** Ignored files that a seed includes; some 2.5 KB each, as the packages of a small project have them. */
const includedFiles = 7000;
const includedFileBytes = 2500;
const exportBytes = 100_000_000;

interface Bench {
  readonly call: (name: string, input: object) => Promise<unknown>;
  readonly daemon: BenchDaemon;
  /** Folder for trees and copies. */
  readonly folder: string;
}

export async function measureWorkspaces(commands: Commands, count: number, rawExec: Figure): Promise<Measured> {
  const stageFile = join(commands.subject.paths.state, "bench-workspace-stages.ndjson");
  const folder = await mkdtemp(join(tmpdir(), "pyro-bench-trees-"));
  try {
    await using daemon = await startDaemon(commands.root, commands.subject, stageFile);
    const socket = daemonSocketPath(commands.subject.paths);
    const bench = { daemon, folder, call: (name: string, input: object) => callDaemon(socket, { name, input }) };
    const creates = await measureCreates(bench, count);
    return {
      rows: [
        ...creates,
        ...(await measureIncluded(bench, Math.min(count, 5))),
        ...(await measureDiffs(bench, count)),
        ...(await measureInstalled(bench, Math.min(count, 5))),
        await measureExport(bench, Math.min(count, 3)),
        await measureMcpExec(commands, bench, rawExec),
      ],
      profiles: [],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureCreates(bench: Bench, count: number): Promise<Row[]> {
  const tree = await makeTree(bench.folder, { files: seedFiles, bytes: seedFileBytes });
  let edits = 0;
  const create = async () => {
    await bench.daemon.pooled();
    let id = "";
    const took = await timed(async () => {
      id = await createFrom(bench, tree);
    });
    await bench.call("workspace_delete", { workspace_id: id });
    return took;
  };
  // The first one also makes the pool.
  const kept = await createFrom(bench, tree);
  await create();
  const figures = await alternate(count, {
    cached: create,
    fresh: async () => {
      edits += 1;
      await writeFile(join(tree, "edited.txt"), `edit ${edits}\n`);
      return create();
    },
    tar: () => timed(() => shell(`rm -rf copy && mkdir copy && tar c -C "$1" . | tar x -C copy`, tree, bench.folder)),
    reset: async () => {
      await bench.daemon.pooled();
      return timed(() => bench.call("workspace_reset", { workspace_id: kept }));
    },
  });
  await bench.call("workspace_delete", { workspace_id: kept });
  const tar = { what: "host tar c | tar x", figure: figures.tar };
  const seed = `${seedFiles} files, ${Math.round((seedFiles * seedFileBytes) / 1e6)} MB`;
  return [
    row({
      id: "seed_cached",
      what: `create a workspace from ${seed}, image cached, with a pool`,
      figure: figures.cached,
      goal: 250,
      of: tar,
      most: 1,
    }),
    row({
      id: "seed_new",
      what: "the same after an edit, image made anew",
      figure: figures.fresh,
      goal: 800,
      of: tar,
      most: 2.5,
    }),
    row({
      id: "reset",
      what: "reset to the baseline, with a pool",
      figure: figures.reset,
      goal: 250,
      of: { what: "a create", figure: figures.cached },
      most: 1,
    }),
  ];
}

/** A checkout that ignores its dependencies, which come along by the user's word. */
async function measureIncluded(bench: Bench, count: number): Promise<Row[]> {
  const tree = await makeTree(join(bench.folder, "included"), { files: 100, bytes: seedFileBytes });
  await makeTree(join(tree, "node_modules"), { files: includedFiles, bytes: includedFileBytes });
  await writeFile(join(tree, ".gitignore"), "node_modules/\n");
  await shell('git -C "$1" init --quiet && git -C "$1" add .', tree, bench.folder);
  let edits = 0;
  const create = async () => {
    await bench.daemon.pooled();
    let id = "";
    const took = await timed(async () => {
      id = await createFrom(bench, tree, ["node_modules"]);
    });
    await bench.call("workspace_delete", { workspace_id: id });
    return took;
  };
  await create();
  const figures = await alternate(count, {
    cached: create,
    fresh: async () => {
      edits += 1;
      await writeFile(join(tree, "node_modules/edited.txt"), `edit ${edits}\n`);
      return create();
    },
    tar: () => timed(() => shell(`rm -rf copy && mkdir copy && tar c -C "$1" . | tar x -C copy`, tree, bench.folder)),
  });
  const of = { what: "host tar c | tar x", figure: figures.tar };
  const size = `${includedFiles.toLocaleString("en")} files, ${Math.round((includedFiles * includedFileBytes) / 1e6)} MB`;
  const what = `create a workspace with \`--include node_modules\` of ${size}, image cached, with a pool`;
  return [
    row({ id: "include_cached", what, figure: figures.cached, of }),
    row({ id: "include_new", what: "the same after an edit in there, image made anew", figure: figures.fresh, of }),
  ];
}

async function measureDiffs(bench: Bench, count: number): Promise<Row[]> {
  const rows: Row[] = [];
  let smallest: Figure | undefined;
  for (const files of [1000, 10_000, 100_000]) {
    const id = await createFrom(bench, await makeTree(bench.folder, { files, bytes: diffFileBytes }));
    const script = "for i in 1 2 3 4 5 6 7 8 9 10; do echo changed >> d0/f$i; done";
    await bench.call("workspace_exec", { workspace_id: id, command: ["sh", "-c", script] });
    const ask = () => timed(() => bench.call("workspace_diff", { workspace_id: id }));
    await ask();
    const { diff } = await alternate(count, { diff: ask });
    await bench.call("workspace_delete", { workspace_id: id });
    const of = smallest === undefined ? undefined : { what: "in 1,000 files", figure: smallest };
    const what = `diff of 10 changes in ${files.toLocaleString("en")} files`;
    rows.push(row({ id: `diff_${files}`, what, figure: diff, goal: 60, of, most: 1.2 }));
    smallest ??= diff;
  }
  return rows;
}

/** As a package manager leaves a workspace: thousands of small new files, which git ignores, beside one change. */
async function measureInstalled(bench: Bench, count: number): Promise<Row[]> {
  const id = await createFrom(bench, await makeTree(bench.folder, { files: 1000, bytes: diffFileBytes }));
  const install = `mkdir -p node_modules/pack && cd node_modules/pack && seq ${installedFiles} | split -l 1 -a 4 -d - f`;
  const script = `echo node_modules/ > .gitignore; echo changed >> d0/f1; ${install}`;
  await bench.call("workspace_exec", { workspace_id: id, command: ["sh", "-c", script], timeout_seconds: 120 });
  const ask = (ignored: boolean) => () =>
    timed(() => bench.call("workspace_diff", { workspace_id: id, include_ignored: ignored }));
  const { left, shown } = await alternate(count, { left: ask(false), shown: ask(true) });
  await bench.call("workspace_delete", { workspace_id: id });
  const what = `diff of 2 changes beside ${installedFiles.toLocaleString("en")} new files that git ignores`;
  const of = { what: "with all of them shown", figure: shown };
  return [row({ id: "diff_installed", what, figure: left, of })];
}

async function measureExport(bench: Bench, count: number): Promise<Row> {
  const id = await createFrom(bench, undefined);
  const script = `mkdir out && head -c ${exportBytes} /dev/urandom > out/big`;
  await bench.call("workspace_exec", { workspace_id: id, command: ["sh", "-c", script], timeout_seconds: 120 });
  const target = join(bench.folder, "exported");
  const figures = await alternate(count, {
    export: async () => {
      await rm(target, { recursive: true, force: true });
      return timed(() => bench.call("workspace_export", { workspace_id: id, path: "out", output_path: target }));
    },
    tar: () => timed(() => shell(`rm -rf copy && mkdir copy && tar c -C "$1" . | tar x -C copy`, target, bench.folder)),
  });
  await bench.call("workspace_delete", { workspace_id: id });
  const reference = { what: "host tar c | tar x", figure: figures.tar };
  return { id: "export", what: "export of 100 MB", figure: figures.export, reference };
}

async function measureMcpExec(commands: Commands, bench: Bench, rawExec: Figure): Promise<Row> {
  const id = await createFrom(bench, undefined);
  await using mcp = await startMcp(commands, "workspace-core");
  const exec = () => timed(() => mcp.call("workspace_exec", { workspace_id: id, command: "true" }));
  const argv = () => timed(() => bench.call("workspace_exec", { workspace_id: id, command: ["true"] }));
  for (let round = 0; round < 5; round += 1) await Promise.all([exec(), argv()]);
  const figures = await alternate(20, { mcp: exec, argv });
  await bench.call("workspace_delete", { workspace_id: id });
  const raw = { what: "raw calls, without a shell", figure: rawExec };
  const what = "workspace_exec of `true` over MCP, in a login shell";
  return row({ id: "mcp_exec", what, figure: figures.mcp, goal: 40, of: raw });
}

interface Line extends Pick<Row, "id" | "what" | "figure"> {
  readonly goal?: number;
  readonly of?: Pick<NonNullable<Row["reference"]>, "what" | "figure"> | undefined;
  readonly most?: number;
}

function row({ of, most, ...line }: Line): Row {
  return of === undefined ? line : { ...line, reference: most === undefined ? of : { ...of, goal: most } };
}

async function createFrom(
  bench: Bench,
  seedPath: string | undefined,
  include: readonly string[] = [],
): Promise<string> {
  const seed = seedPath === undefined ? {} : { seed_path: seedPath, ...(include.length === 0 ? {} : { include }) };
  const input = { environment: environmentName, mem_mib: memMib, ...seed };
  return created.parse(await bench.call("workspace_create", input)).workspace_id;
}

/** Files in folders of a hundred, with content of their own. */
async function makeTree(
  folder: string,
  { files, bytes }: { readonly files: number; readonly bytes: number },
): Promise<string> {
  const tree = join(folder, `tree${files}`);
  for (let start = 0; start < files; start += 100) {
    const part = join(tree, `d${start / 100}`);
    await mkdir(part, { recursive: true });
    const write = (at: number) => writeFile(join(part, `f${at}`), `${start + at}\n`.padEnd(bytes, "source text "));
    await Promise.all(Array.from({ length: Math.min(100, files - start) }, (_, at) => write(at)));
  }
  return tree;
}

async function shell(script: string, argument: string, cwd: string): Promise<void> {
  const child = spawn("sh", ["-ec", script, "sh", argument], { cwd, stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${script} failed with ${code}`);
}
