// Owns judging what there is of machines: supervisors, engines' processes, folders, sockets. Never ends or removes any.
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readRecordFile } from "../../base/record-file.js";
import { deadlineFileName } from "../../engine/supervisor.js";
import { machineHome, type MachineFolders } from "../../machine/machine-files.js";
import { machineWorld } from "../../machine/machine-record.js";
import { workspaceRecordKind } from "../../workspace/record/record.js";
import { ancestorOf, type HostProcess } from "./process-table.js";
import { shellWord } from "../../base/shell-word.js";
import { daemonOwner, type Ground, type Thing } from "./thing.js";

/** Milliseconds in which a machine that is being made may have a folder and no process: the sandbox unpacks a root first. */
const makingMs = 5 * 60_000;

/** Machine → workspace that says it has it. */
type Claims = ReadonlyMap<string, string>;

export async function auditMachines(ground: Ground): Promise<readonly Thing[]> {
  const { paths } = ground;
  const claims = await claimsOf(join(paths.state, "workspaces"));
  const probes = { state: join(paths.cache, "probes"), sockets: join(paths.sockets, "p"), cache: paths.cache };
  const found = await Promise.all([paths, probes].map((folders) => auditHomes(ground, folders, claims)));
  return found.flat();
}

async function auditHomes(ground: Ground, folders: MachineFolders, claims: Claims): Promise<readonly Thing[]> {
  const nowhere = machineHome(folders, "");
  const supervisors = new Map(
    [...ground.processes.values()].flatMap((each): [string, HostProcess][] => {
      const folder = supervisedFolder(each);
      return folder !== undefined && join(dirname(folder), "/") === join(nowhere.folder, "/")
        ? [[basename(folder), each]]
        : [];
    }),
  );
  const ids = new Set([
    ...(await namesIn(nowhere.folder)),
    ...(await namesIn(nowhere.socketFolder)),
    ...supervisors.keys(),
  ]);
  const things = [...ids].map(async (id) => {
    const home = machineHome(folders, id);
    const supervisor = supervisors.get(id);
    const owner = await ownerOf(ground, { folder: home.folder, supervisor, workspace: claims.get(id) });
    const processes = [...ground.processes.values()].filter(
      (each) => each === supervisor || (supervisor !== undefined && each.parent === supervisor.pid),
    );
    return [
      ...processes.map((each) => processThing(each, owner)),
      ...(await existing([home.folder, home.socketFolder])).map((what): Thing => {
        return {
          kind: "folder",
          what,
          owner,
          fix: `The next start of the daemon removes it; or: rm -r ${shellWord(what)}`,
        };
      }),
    ];
  });
  return (await Promise.all(things)).flat();
}

interface Home {
  readonly folder: string;
  readonly supervisor: HostProcess | undefined;
  readonly workspace: string | undefined;
}

async function ownerOf(ground: Ground, { folder, supervisor, workspace }: Home): Promise<string | undefined> {
  if ((await machineWorld(folder)) === "elsewhere") return "a daemon of another container";
  if (supervisor === undefined) {
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: 0 }));
    return ground.now - mtimeMs < makingMs ? daemonOwner(ground) : undefined;
  }
  if (workspace !== undefined) return `workspace ${workspace}`;
  if (ancestorOf(ground.processes, supervisor, ({ pid }) => pid === ground.daemon?.pid)) return daemonOwner(ground);
  const prober = ancestorOf(ground.processes, supervisor, ({ argv }) => argv.some((word) => word.endsWith("pyro.js")));
  return prober && `pyro, process ${prober.pid}`;
}

/** Those that a workspace's record names. */
async function claimsOf(root: string): Promise<Claims> {
  const records = (await namesIn(root)).map(async (id): Promise<[string, string][]> => {
    const found = await readRecordFile(workspaceRecordKind, join(root, id, "workspace.json"));
    const machine =
      found.kind === "readable" ? found.value.machine_id : found.kind === "newer" ? found.fields["machine_id"] : null;
    return typeof machine === "string" ? [[machine, id]] : [];
  });
  return new Map((await Promise.all(records)).flat());
}

export function supervisedFolder({ argv }: HostProcess): string | undefined {
  const file = argv[argv.indexOf("--deadline-file") + 1];
  return argv[1] === "supervise" && file !== undefined && basename(file) === deadlineFileName
    ? dirname(file)
    : undefined;
}

export function processThing({ pid, argv }: HostProcess, owner: string | undefined): Thing {
  return { kind: "process", what: `${pid} ${basename(argv[0] ?? "")}`, owner, fix: `kill ${pid}` };
}

export async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

async function existing(places: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    places.map((place) =>
      stat(place).then(
        () => [place],
        () => [],
      ),
    ),
  );
  return found.flat();
}
