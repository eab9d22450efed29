// Owns a real overlayfs for the tests of diff: mounted by the kernel in a namespace of its own, reached through /proc. Never fakes an attribute.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  type Stats,
  chmodSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { PyroError, hasErrno } from "../../../../src/base/error.js";
import type {
  ChangeSource,
  OpenedFile,
  SeedTree,
  SmallContent,
  TouchedEntry,
} from "../../../../src/tree/diff/source.js";
import type { SeedRecord } from "../../../../src/tree/seed/manifest-line.js";

export interface Overlays extends AsyncDisposable {
  /** What a mount namespace of this kind cannot do; undefined when it can all. */
  readonly canRedirect: boolean;
  open(): Promise<Overlay>;
}

/** All paths are as this process sees them. */
export interface Overlay {
  readonly lower: string;
  readonly merged: string;
  mount(): Promise<void>;
  /** The guest's side of a diff. */
  source(): ChangeSource;
  /** The host's side of a diff; taken once, after the lower layer is complete. */
  seed(): SeedTree;
  close(): Promise<void>;
}

/** Undefined, with the reason, where this host allows no overlay mounts. */
export async function openOverlays(): Promise<Overlays | string> {
  const isRoot = process.getuid?.() === 0;
  const options = isRoot ? "redirect_dir=on,index=on,xino=on,metacopy=off" : "userxattr";
  const namespace = isRoot ? ["-m"] : ["-Urm"];
  const script = join(import.meta.dirname, "diff-overlay.pl");
  const child = spawn("unshare", [...namespace, "perl", script, isRoot ? "trusted" : "user", options], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`);
    const answer = await lines.next();
    return answer.done === true ? "failed" : answer.value;
  };
  child.stdin.on("error", () => undefined);
  if ((await ask("tmpfs /tmp")) !== "mounted") return "no mount namespace for overlayfs (unshare -m)";
  const view = `/proc/${child.pid}/root`;
  let count = 0;
  return {
    canRedirect: isRoot,
    open: async () => openOverlay({ ask, view, folder: `/tmp/${(count += 1)}` }),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await new Promise((resolve) => child.once("close", resolve));
    },
  };
}

interface Place {
  readonly ask: (line: string) => Promise<string>;
  readonly view: string;
  readonly folder: string;
}

async function openOverlay({ ask, view, folder }: Place): Promise<Overlay> {
  const root = `${view}${folder}`;
  for (const name of ["lower", "upper", "work", "merged"]) mkdirSync(`${root}/${name}`, { recursive: true });
  return {
    lower: `${root}/lower`,
    merged: `${root}/merged`,
    async mount() {
      if ((await ask(`mount ${folder}`)) !== "mounted") throw new Error("the overlay could not be mounted");
    },
    seed: () => treeOf(`${root}/lower`),
    source: () => ({
      touched: () => touched(`${root}/upper`, async () => ask(`attributes ${folder}`)),
      statNew: async (path) => statFile(`${root}/merged`, path),
      openNew: async (path) => openFile(`${root}/merged`, path),
      openOld: async (path) => openFile(`${root}/lower`, path),
      readSmall: async (files) =>
        readSmall(files.map(({ root: which, path }) => [`${root}/${which === "seed" ? "lower" : "merged"}`, path])),
    }),
    async close() {
      await ask(`unmount ${folder}`);
    },
  };
}

async function* touched(upper: string, attributes: () => Promise<string>): AsyncGenerator<TouchedEntry> {
  const found = new Map<string, Buffer>();
  for (const item of (await attributes()).split(",").filter((text) => text !== "")) {
    const [path = "", key = "", value = ""] = item.split(" ");
    found.set(`${key}:${Buffer.from(path, "hex").toString("latin1")}`, Buffer.from(value, "hex"));
  }
  const origins = new Map<string, string | undefined>([["", ""]]);
  for (const [path, stat] of walkTree(upper)) {
    const isWhiteout = stat.isCharacterDevice() && stat.rdev === 0;
    const redirect = found.get(`redirect:${path}`)?.toString("latin1");
    const parent = origins.get(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
    const isOpaque = found.get(`opaque:${path}`)?.toString() === "y";
    const origin = isOpaque ? undefined : originOf(parent, redirect ?? path.slice(path.lastIndexOf("/") + 1));
    origins.set(path, origin);
    yield {
      path: Buffer.from(path, "latin1"),
      kind: isWhiteout ? "whiteout" : kindOf(stat),
      mode: stat.mode & 0o7777,
      size: stat.isFile() ? stat.size : 0,
      ...(stat.isSymbolicLink() ? { linkTarget: readlinkSync(under(upper, path), "buffer") } : {}),
      ...(stat.isDirectory() && origin === undefined ? { opaque: true } : {}),
      ...(stat.isDirectory() && origin !== undefined && origin !== path
        ? { redirect: Buffer.from(origin, "latin1") }
        : {}),
    };
  }
}

/** As the kernel looks it up: a name in the parent's source, or a path from the layer's root. */
function originOf(parent: string | undefined, redirect: string): string | undefined {
  if (redirect.startsWith("/")) return redirect.slice(1);
  if (parent === undefined) return undefined;
  return parent === "" ? redirect : `${parent}/${redirect}`;
}

function kindOf(stat: Stats): Exclude<TouchedEntry["kind"], "whiteout"> {
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  if (stat.isSocket()) return "socket";
  return stat.isFile() ? "file" : "device";
}

async function openFile(root: string, path: Buffer): Promise<OpenedFile> {
  const { mode, size } = await statFile(root, path);
  return { mode, size, chunks: createReadStream(under(root, path.toString("latin1"))) };
}

/** As the agent: whatever it cannot give is left out. */
function readSmall(files: readonly (readonly [string, Buffer])[]): Map<number, SmallContent> {
  const found = new Map<number, SmallContent>();
  for (const [index, [root, path]] of files.entries()) {
    const file = under(root, path.toString("latin1"));
    const stat = lstatSync(file, { throwIfNoEntry: false });
    if (stat?.isFile() === true && stat.size <= 65_536) {
      found.set(index, { mode: stat.mode & 0o7777, data: readFileSync(file) });
    }
  }
  return found;
}

async function statFile(root: string, path: Buffer): Promise<{ mode: number; size: number }> {
  try {
    const stat = lstatSync(under(root, path.toString("latin1")));
    if (!stat.isFile()) throw new PyroError("not_found", "no regular file");
    return { mode: stat.mode & 0o7777, size: stat.size };
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) throw new PyroError("not_found", "nothing there");
    throw error;
  }
}

/** Bytes of a path below a root; one character of `path` per byte. */
export function under(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(path === "" ? root : `${root}/`), Buffer.from(path, "latin1")]);
}

/** Everything below a folder, folders first, with paths of one character per byte. */
export function* walkTree(root: string, folder = ""): Generator<[string, Stats]> {
  const names = readdirSync(under(root, folder), { encoding: "buffer" }).map((name) => name.toString("latin1"));
  for (const name of names.sort()) {
    const path = folder === "" ? name : `${folder}/${name}`;
    const stat = lstatSync(under(root, path));
    yield [path, stat];
    if (stat.isDirectory()) yield* walkTree(root, path);
  }
}

/** Copies files and links; folders only where they hold some. */
export function copyTree(from: string, to: string): void {
  for (const [path, stat] of walkTree(from)) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (!stat.isDirectory() && parent !== "") mkdirSync(under(to, parent), { recursive: true });
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(under(from, path), "buffer"), under(to, path));
    if (!stat.isFile()) continue;
    writeFileSync(under(to, path), readFileSync(under(from, path)));
    chmodSync(under(to, path), stat.mode & 0o777);
  }
}

/** Files and links by path, as git sees them. */
export function snapshotTree(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [path, stat] of walkTree(root)) {
    if (path.split("/").includes(".git")) continue;
    if (stat.isSymbolicLink()) found[path] = `link ${readlinkSync(under(root, path), "buffer").toString("latin1")}`;
    if (stat.isFile()) {
      const mode = (stat.mode & 0o100) === 0 ? "plain" : "executable";
      found[path] = `${mode} ${readFileSync(under(root, path)).toString("latin1")}`;
    }
  }
  return found;
}

/** A folder of this host as a seed. */
export function treeOf(root: string): SeedTree {
  const records = new Map<string, SeedRecord>();
  const groups = new Map<number, string>();
  for (const [path, stat] of walkTree(root)) {
    if (stat.isFile() && stat.nlink > 1 && !groups.has(stat.ino)) groups.set(stat.ino, path);
    const content = stat.isFile() ? readFileSync(under(root, path)) : undefined;
    records.set(path, {
      path,
      kind: stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "symlink" : "file",
      mode: stat.mode & 0o7777,
      size: content?.length ?? 0,
      mtime: 0,
      sha256: content === undefined ? "" : createHash("sha256").update(content).digest("hex"),
      target: stat.isSymbolicLink() ? readlinkSync(under(root, path), "buffer").toString("latin1") : "",
      group: (stat.isFile() ? groups.get(stat.ino) : undefined) ?? "",
    });
  }
  return {
    lookup: async (path) => records.get(path.toString("latin1")),
    async *below(folder) {
      const prefix = folder.length === 0 ? "" : `${folder.toString("latin1")}/`;
      for (const [path, record] of records) if (path.startsWith(prefix)) yield record;
    },
    async *linked(wanted) {
      for (const record of records.values()) if (wanted.has(record.group)) yield record;
    },
  };
}
