// Owns measuring whole pyro commands and the MCP server, as a user starts them. Never calls into src but to know a path.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { startDaemon, type BenchDaemon } from "./daemon.js";
import { alternate, figureOf, timed, type Figure } from "./figure.js";
import { startMcp } from "./mcp-client.js";
import { now, profileOf, type Passage } from "./profile.js";
import type { Measured, Row } from "./row.js";
import { environmentName, type Subject } from "./subject.js";

export interface Commands {
  /** The checkout. */
  readonly root: string;
  readonly subject: Subject;
}

export interface CommandCounts {
  readonly runs: number;
  readonly starts: number;
  readonly streams: number;
}

export async function measureCommands(commands: Commands, counts: CommandCounts): Promise<Measured> {
  const stageFile = join(commands.subject.paths.state, "bench-stages.ndjson");
  await using daemon = await startDaemon(commands.root, commands.subject, stageFile);
  const run = [environmentName, "--"];
  // From here on there is a pool.
  await runPyro(commands, ["run", ...run, "true"]);
  const starts = await measureStarts(commands, counts.starts);
  const passages: Passage[] = [];
  await using mcp = await startMcp(commands);
  const figures = await alternate(counts.runs, {
    run: () => afterRefill(daemon, () => runPyro(commands, ["run", ...run, "true"])),
    profiled: () =>
      afterRefill(daemon, async () => {
        passages.push(await profiledRun(commands, stageFile));
      }),
    vmRun: () => afterRefill(daemon, () => mcp.call("vm_run", { command: "true" })),
  });
  const around = figureOf(passages.map(outsideDaemon));
  const streams = await measureStreams(commands, { daemon, count: counts.streams, empty: figures.run });
  return {
    rows: [
      {
        id: "run",
        what: `pyro run ${environmentName} -- true, whole process, with a pool`,
        figure: figures.run,
        reference: { what: "node -e 0", figure: starts.node },
      },
      {
        id: "run_client",
        what: "the same without the daemon's part: what the command itself costs",
        figure: around,
        goal: 120,
        reference: { what: "node -e 0", figure: starts.node, goal: 2 },
      },
      { id: "vm_run", what: "vm_run of `true` over MCP, server running", figure: figures.vmRun },
      ...starts.rows,
      ...streams,
    ],
    profiles: [profileOf("run", `pyro run ${environmentName} -- true`, passages)],
  };
}

async function measureStarts(commands: Commands, count: number): Promise<{ rows: Row[]; node: Figure }> {
  const figures = await alternate(count, {
    node: () => timed(() => ended(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }))),
    version: () => timed(() => runPyro(commands, ["--version"])),
    list: () => timed(() => runPyro(commands, ["workspace", "list"])),
    mcp: () =>
      timed(async () => {
        const server = await startMcp(commands);
        await server.listTools();
        server.kill();
      }),
  });
  const reference = { what: "node -e 0", figure: figures.node };
  const rows = [
    {
      id: "mcp_list",
      what: "pyro mcp serve → initialize → tools/list",
      figure: figures.mcp,
      goal: 200,
      reference: { ...reference, goal: 2.5 },
    },
    {
      id: "workspace_list",
      what: "pyro workspace list, with a daemon and no workspace",
      figure: figures.list,
      reference: { ...reference, goal: 1.8 },
    },
    { id: "version", what: "pyro --version", figure: figures.version, reference },
    { id: "node", what: "node -e 0", figure: figures.node },
  ];
  return { rows: [...rows, ...(await measureSandbox(count))], node: figures.node };
}

/** For scale: what starting a container costs at least. */
async function measureSandbox(count: number): Promise<Row[]> {
  const program = "/usr/bin/bwrap";
  if (!existsSync(program)) return [];
  const args = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all", "/bin/true"];
  const { sandbox } = await alternate(count, {
    sandbox: () => timed(() => ended(spawn(program, args, { stdio: "ignore" }))),
  });
  return [{ id: "bubblewrap", what: "for scale: /bin/true under bubblewrap, no machine", figure: sandbox }];
}

/** Bytes a second while they flow: the time of a run without any is taken off. */
async function measureStreams(
  commands: Commands,
  { daemon, count, empty }: { readonly daemon: BenchDaemon; readonly count: number; readonly empty: Figure },
): Promise<Row[]> {
  const rate = (bytes: number, tookMs: number) => bytes / 1e6 / (Math.max(1, tookMs - empty.median) / 1000);
  const through = async (bytes: number, args: readonly string[], input?: Readable) => {
    await daemon.pooled();
    return rate(bytes, await timed(() => runPyro(commands, ["run", environmentName, "--", ...args], input)));
  };
  const [out, into] = [50_000_000, 20_000_000];
  const figures = await alternate(
    count,
    {
      stdout: () => through(out, ["head", "-c", String(out), "/dev/zero"]),
      stdin: () => through(into, ["sh", "-c", "cat > /dev/null"], Readable.from(chunks(into))),
    },
    "MB/s",
  );
  return [
    { id: "stdout", what: "50 MB of standard output, guest → command", figure: figures.stdout },
    { id: "stdin", what: "20 MB of standard input, command → guest", figure: figures.stdin },
  ];
}

function* chunks(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(65_536);
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length));
}

/** The refill of the pool is not part of the next call, as long as calls are a second apart. */
async function afterRefill(daemon: BenchDaemon, work: () => Promise<unknown>): Promise<number> {
  await daemon.pooled();
  return timed(work);
}

async function runPyro({ root, subject }: Commands, args: readonly string[], input?: Readable): Promise<void> {
  const stdio = [input === undefined ? "ignore" : "pipe", "pipe", "inherit"] as const;
  const child = spawn(process.execPath, [join(root, "dist", "pyro.js"), ...args], {
    env: subject.env,
    stdio: [...stdio],
  });
  child.stdout?.resume();
  const end = ended(child);
  if (input !== undefined && child.stdin !== null) await pipeline(input, child.stdin);
  await end;
}

async function profiledRun({ root, subject }: Commands, stageFile: string): Promise<Passage> {
  writeFileSync(stageFile, "");
  const args = ["--import", join(root, "bench", "stage-hook.mjs"), join(root, "dist", "pyro.js")];
  const beganAt = now();
  const env = { ...subject.env, PYRO_BENCH_STAGES: stageFile };
  await ended(spawn(process.execPath, [...args, "run", environmentName, "--", "true"], { env, stdio: "ignore" }));
  const gone = { stage: "process gone", at: now() };
  const lines = readFileSync(stageFile, "utf8").trim().split("\n");
  const all = lines.map((line) => JSON.parse(line) as HookLine);
  const id = all.find(({ stage }) => stage === "program exited")?.id;
  const own = all.filter((line) => line.id === "" || line.id === id).toSorted((left, right) => left.at - right.at);
  return { beganAt, stages: [...own, gone] };
}

interface HookLine {
  readonly stage: string;
  readonly id: string;
  readonly at: number;
}

function outsideDaemon({ beganAt, stages }: Passage): number {
  const at = (name: string) => stages.find(({ stage }) => stage === name)?.at ?? 0;
  return at("process gone") - beganAt - (at("answer sent") - at("request in daemon"));
}

async function ended(child: ChildProcess): Promise<void> {
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${child.spawnargs.join(" ")} ended with ${code}`);
}
