// Owns judging each name below pyro's folders: who keeps it, who removes it. Never removes any.
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { readRecordFile } from "../../base/record-file.js";
import { olderLogPath } from "../../daemon/log-file.js";
import {
  daemonLockPath,
  daemonLogPath,
  daemonRecordPath,
  daemonSocketPath,
  daemonStderrPath,
} from "../../daemon/record.js";
import { isOfNewerPyro, readTemplate, templateRoot } from "../../machine/saved/template-folders.js";
import { workspaceFiles } from "../../workspace/record/files.js";
import { workspaceRecordKind } from "../../workspace/record/record.js";
import { namesIn } from "./machines.js";
import { lockOf } from "./programs.js";
import { shellWord } from "../../base/shell-word.js";
import { daemonOwner, type Ground, type Thing } from "./thing.js";

/** Milliseconds after which nobody writes a draft any more. */
const draftMs = 2 * 60_000;
/** Milliseconds after which the daemon has removed what a dead process left of a seed: an hour, and the hour of its round. */
const seedDraftMs = 3 * 3_600_000;

/** The names of one folder, each judged by the first rule that fits; undefined: nobody's. */
interface Rule {
  readonly name: RegExp | string;
  readonly owner: (path: string) => Promise<string | undefined> | string | undefined;
}

export async function auditFolders(ground: Ground): Promise<readonly Thing[]> {
  const { paths } = ground;
  const places: readonly (readonly [string, readonly Rule[]])[] = [
    [paths.state, stateRules(ground)],
    [join(paths.state, "workspaces"), workspaceRules(ground)],
    [join(paths.state, "exports"), [{ name: /\.json$/u, owner: () => daemonOwner(ground) }]],
    [paths.sockets, socketRules(ground)],
    [paths.cache, cacheRules(ground)],
    [templateRoot(paths), templateRules(ground)],
    [
      join(paths.cache, "prepared"),
      [{ name: /\.json$/u, owner: () => "the saved machine it is about" }, draft(ground)],
    ],
    [join(paths.cache, "seeds", "tmp"), [{ name: /./u, owner: youngerThan(ground, seedDraftMs, "the seed cache") }]],
    [
      join(paths.environments, "tmp"),
      [{ name: /./u, owner: (path) => heldLock(ground, path, join(paths.environments, "locks")) }],
    ],
  ];
  const found = places.map(async ([folder, rules]) => {
    const names = await namesIn(folder);
    return Promise.all(names.map((name) => judge(join(folder, name), rules)));
  });
  return (await Promise.all([...found, auditWorkspaceFiles(ground)])).flat();
}

async function judge(path: string, rules: readonly Rule[]): Promise<Thing> {
  const name = basename(path);
  const rule = rules.find((each) => (typeof each.name === "string" ? each.name === name : each.name.test(name)));
  const kept = await stat(path).catch(() => undefined);
  const kind = kept?.isSocket() === true ? "socket" : kept?.isDirectory() === true ? "folder" : "file";
  return { kind, what: path, owner: await rule?.owner(path), fix: `Look at it, then: rm -r ${shellWord(path)}` };
}

const user = () => "you";

function stateRules(ground: Ground): readonly Rule[] {
  const { paths } = ground;
  const kept = [
    daemonLockPath(paths),
    daemonLogPath(paths),
    olderLogPath(daemonLogPath(paths)),
    daemonStderrPath(paths),
  ];
  return [
    ...kept.map((path) => ({ name: basename(path), owner: () => "every daemon" })),
    { name: basename(daemonRecordPath(paths)), owner: () => daemonOwner(ground) },
    ...["machines", "workspaces", "exports"].map((name) => ({ name, owner: () => "every daemon" })),
    { name: "chat-hosts", owner: user },
    { name: "quarantine", owner: user },
    draft(ground),
  ];
}

function workspaceRules(ground: Ground): readonly Rule[] {
  const record = async (path: string) => {
    const found = await readRecordFile(workspaceRecordKind, join(path, "workspace.json"));
    if (found.kind === "newer") return "a newer pyro";
    if (found.kind !== "readable") return daemonOwner(ground);
    // One that is half made, or half emptied, is settled by the next daemon.
    return found.value.state === "creating" || found.value.state === "resetting" ? daemonOwner(ground) : "you";
  };
  return [
    { name: /\.deleted$/u, owner: () => daemonOwner(ground) },
    { name: /./u, owner: record },
  ];
}

async function auditWorkspaceFiles(ground: Ground): Promise<readonly Thing[]> {
  const root = join(ground.paths.state, "workspaces");
  const things = (await namesIn(root)).map(async (id) => {
    const { folder, ...files } = workspaceFiles(root, id);
    const known = Object.values(files).map((path) => ({ name: basename(path), owner: () => `workspace ${id}` }));
    const reserve = { name: `${basename(files.journal)}.reserve`, owner: () => `workspace ${id}` };
    const names = await namesIn(folder);
    return Promise.all(names.map((name) => judge(join(folder, name), [...known, reserve, draft(ground)])));
  });
  return (await Promise.all(things)).flat();
}

function socketRules(ground: Ground): readonly Rule[] {
  const { paths } = ground;
  return [
    { name: basename(daemonSocketPath(paths)), owner: () => daemonOwner(ground) },
    { name: "m", owner: () => "every daemon" },
    { name: "p", owner: () => "whoever measures this host" },
  ];
}

function cacheRules(ground: Ground): readonly Rule[] {
  const kept = [
    "templates",
    "seeds",
    "repos",
    "prepared",
    "probes",
    "compiled",
    "host.json",
    "empty-seed.squashfs",
    /^disk-[0-9a-f]+\.ext4$/u,
  ];
  return [
    ...kept.map((name) => ({ name, owner: () => "the cache" })),
    // Also where PYRO_ENVIRONMENT_CACHE_DIR now names another.
    { name: "environments", owner: user },
    draft(ground),
  ];
}

function templateRules(ground: Ground): readonly Rule[] {
  const root = templateRoot(ground.paths);
  const whole = async (path: string) => {
    const generation = basename(path);
    if ((await readTemplate(root, generation)) !== undefined) return "the cache";
    return (await isOfNewerPyro(root, generation)) ? "a newer pyro" : undefined;
  };
  return [
    { name: /\.lock$/u, owner: () => "the cache" },
    { name: /\.(new|old)$/u, owner: (path) => heldLock(ground, path, root) ?? daemonOwner(ground) },
    { name: /./u, owner: whole },
  ];
}

/** A file that is about to replace another; the daemon removes older ones at its start. */
function draft(ground: Ground): Rule {
  return { name: /\.tmp$/u, owner: youngerThan(ground, draftMs, "who writes it") };
}

function youngerThan({ now }: Ground, ms: number, owner: string): Rule["owner"] {
  return async (path) => {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: now }));
    return now - mtimeMs < ms ? owner : undefined;
  };
}

/** Who holds the lock of what is being made there; its name begins with what the lock is called. */
function heldLock({ processes }: Ground, path: string, folder: string): string | undefined {
  const name = basename(path);
  const holder = [...processes.values()].find((each) => {
    const lock = lockOf(each);
    return lock?.startsWith(`${folder}/`) === true && name.startsWith(basename(lock, ".lock"));
  });
  return holder && `process ${holder.parent}`;
}
