// Owns the floor: the QEMU steps of a restore and of an attach, nothing else. Shares no code with src/engine or src/machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";
import { now, type Lap, type Passage } from "./profile.js";
import { connectRetrying, rawQmp, type Command, type RawQmp } from "./raw-qmp.js";
import { openRawSession, type RawSession } from "./raw-rpc.js";

/** What a raw restore does again: how pyro itself started a machine. */
export interface RawSource {
  /** Program and arguments. */
  readonly commandLine: readonly string[];
  /** The machine's own folders, which the raw machine replaces by its own. */
  readonly folders: readonly string[];
  /** An empty disk, copied for each machine. */
  readonly emptyDisk: string;
}

export interface RawMachine {
  readonly session: RawSession;
  /** How it started. */
  readonly passage: Passage;
  readonly pid: number;
  /** Closes the session and pauses it, as a pool does. */
  park(): Promise<void>;
  /** Resumes it, after putting its seed under it once more where wanted, and opens a session. */
  claim(seeded: boolean): Promise<RawSession>;
  end(): Promise<void>;
}

/** Reads how a restored machine that runs was started. */
export async function readSource(pid: number, files: Pick<RawSource, "folders" | "emptyDisk">): Promise<RawSource> {
  const commandLine = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").slice(0, -1);
  return { ...files, commandLine };
}

/** Starts a machine in `folder`, which is made and removed, and waits until its agent has answered. */
export async function restoreRaw(source: RawSource, folder: string): Promise<RawMachine> {
  await mkdir(folder, { recursive: true });
  const [program = "", ...args] = source.commandLine.map((word) => moveInto(folder, word, source.folders));
  const nodes = blockNodes(args);
  await copyFile(source.emptyDisk, ownDisk(nodes));
  const beganAt = now();
  const stages: Lap[] = [];
  const lap = (stage: string) => void stages.push({ stage, at: now() });
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  const qmp = rawQmp(await connectRetrying(join(folder, "qmp.sock"), child));
  lap("control socket there");
  await qmp.run(["qmp_capabilities"]);
  lap("QEMU ready");
  await load(qmp, folder, statePath(args));
  lap("state loaded");
  const open = async () => openRawSession(await connectRetrying(join(folder, "agent.sock"), child));
  let session = await open();
  lap("preface echoed");
  await session.call("MachineService/Hello");
  lap("hello answered");
  return {
    get session() {
      return session;
    },
    passage: { beganAt, stages },
    pid: child.pid ?? 0,
    park: async () => {
      session.close();
      await qmp.run(["stop"]);
    },
    claim: async (seeded) => {
      await qmp.run(...(seeded ? exchange(nodes, "seed") : []), ["cont"]);
      session = await open();
      await session.call("MachineService/Hello");
      return session;
    },
    end: async () => {
      session.close();
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Lets the state in and resumes. */
async function load(qmp: RawQmp, folder: string, path: string): Promise<void> {
  const uri = `unix:${join(folder, "load.sock")}`;
  const capabilities = ["x-ignore-shared", "events"].map((capability) => ({ capability, state: true }));
  const state = await readFile(path);
  const completed = qmp.event("MIGRATION", { status: "completed" });
  await qmp.run(["migrate-set-capabilities", { capabilities }], ["migrate-incoming", { uri }]);
  createConnection(join(folder, "load.sock")).end(state);
  await completed;
  await qmp.run(["cont"]);
}

type BlockNode = Readonly<Record<string, unknown>>;

function blockNodes(args: readonly string[]): BlockNode[] {
  return args.flatMap((arg, index) => (args[index - 1] === "-blockdev" ? [JSON.parse(arg) as BlockNode] : []));
}

/** The file of the machine's own layer. */
function ownDisk(nodes: readonly BlockNode[]): string {
  const node = nodes.find((each) => String(each["filename"]).endsWith(".qcow2"));
  if (node === undefined) throw new Error("the machine has no disk of its own");
  return String(node["filename"]);
}

/** Adds what is under a drive once more, by other names, and lets the device use that. */
function exchange(nodes: readonly BlockNode[], drive: string): Command[] {
  const rename = (name: unknown) => String(name).replace(`${drive}-0`, `${drive}-raw`);
  const below = nodes.filter((node) => String(node["node-name"]).startsWith(`${drive}-0`));
  const device = nodes.find((node) => node["node-name"] === drive);
  const added = below.map((node): Command => ["blockdev-add", { ...node, "node-name": rename(node["node-name"]) }]);
  return [...added, ["blockdev-reopen", { options: [{ ...device, file: rename(device?.["file"]) }] }]];
}

function statePath(args: readonly string[]): string {
  const memory = args.flatMap((arg, index) => (args[index - 1] === "-object" ? [JSON.parse(arg) as BlockNode] : []));
  return join(dirname(String(memory[0]?.["mem-path"])), "state");
}

function moveInto(folder: string, word: string, from: readonly string[]): string {
  return from.reduce((moved, own) => moved.replaceAll(own, folder), word);
}
