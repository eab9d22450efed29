// Owns a folder of this host as the /workspace of a guest in which everything was touched. Never mounts anything.
import { createReadStream, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { PyroError } from "../../../../src/base/error.js";
import type { ChangeSource, OpenedFile, TouchedEntry } from "../../../../src/tree/diff/source.js";
import { under, walkTree } from "./overlay.js";

export function fakeGuest(seed: string, workspace: string): ChangeSource {
  return {
    touched: async function* () {
      yield* touched(seed, workspace);
    },
    statNew: async (path) => statFile(workspace, path),
    openNew: async (path) => openFile(workspace, path),
    openOld: async (path) => openFile(seed, path),
    readSmall: async (files) =>
      new Map(
        files.map(({ root, path }, index) => {
          const file = under(root === "seed" ? seed : workspace, path.toString("latin1"));
          return [index, { mode: lstatSync(file).mode & 0o7777, data: readFileSync(file) }];
        }),
      ),
  };
}

function* touched(seed: string, workspace: string): Generator<TouchedEntry> {
  const names = new Set<string>();
  for (const [path, stat] of walkTree(workspace)) {
    names.add(path);
    yield {
      path: Buffer.from(path, "latin1"),
      kind: stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "symlink" : "file",
      mode: stat.mode & 0o7777,
      size: stat.isFile() ? stat.size : 0,
      ...(stat.isSymbolicLink() ? { linkTarget: readlinkSync(under(workspace, path), "buffer") } : {}),
      ...(stat.isDirectory() ? { opaque: true } : {}),
    };
  }
  for (const name of readdirSync(seed, { encoding: "latin1" })) {
    if (!names.has(name)) yield { path: Buffer.from(name, "latin1"), kind: "whiteout", mode: 0, size: 0 };
  }
}

async function openFile(root: string, path: Buffer): Promise<OpenedFile> {
  return { ...statFile(root, path), chunks: createReadStream(under(root, path.toString("latin1"))) };
}

function statFile(root: string, path: Buffer): { mode: number; size: number } {
  const stat = lstatSync(under(root, path.toString("latin1")), { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new PyroError("not_found", "no regular file");
  return { mode: stat.mode & 0o7777, size: stat.size };
}
