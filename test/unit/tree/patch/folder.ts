// Owns a folder of this host as the workspace of a patch, and carrying a plan out in it. Never checks a plan.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { PyroError, hasErrno } from "../../../../src/base/error.js";
import type { PatchFiles, PatchPlan } from "../../../../src/tree/patch/patch-files.js";
import { under, walkTree } from "../diff/overlay.js";

export function folderFiles(root: string): PatchFiles {
  const full = (path: Buffer): Buffer => under(root, path.toString("latin1"));
  return {
    async lookup(path) {
      try {
        const stat = lstatSync(full(path));
        const mode = stat.mode & 0o7777;
        if (stat.isSymbolicLink())
          return { kind: "symlink", mode, size: 0, linkTarget: readlinkSync(full(path), "buffer") };
        return { kind: stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "other", mode, size: stat.size };
      } catch (error) {
        if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return undefined;
        throw error;
      }
    },
    read: async (path) => {
      try {
        return readFileSync(full(path));
      } catch (error) {
        throw new PyroError("not_found", "no regular file", { cause: error });
      }
    },
    entriesOf: async (folder) => {
      const below = readdirSync(full(folder), { encoding: "buffer" });
      return below.map((name) => (folder.length === 0 ? name : Buffer.concat([folder, Buffer.from("/"), name])));
    },
    async filesBelow(folder) {
      const prefix = `${folder.toString("latin1")}/`;
      return [...walkTree(root)]
        .filter(([path, stat]) => path.startsWith(prefix) && !stat.isDirectory())
        .map(([path]) => Buffer.from(path, "latin1"));
    },
  };
}

export function carryOut(root: string, plan: PatchPlan): void {
  const place = (path: Buffer): Buffer => {
    const name = path.toString("latin1");
    const parent = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    if (parent !== "") mkdirSync(under(root, parent), { recursive: true });
    return under(root, name);
  };
  for (const path of plan.deletes) rmSync(under(root, path.toString("latin1")), { recursive: true, force: true });
  for (const { path, target } of plan.symlinks) {
    rmSync(place(path), { force: true });
    symlinkSync(target, place(path));
  }
  for (const { path, content, mode } of plan.writes) {
    if (!Buffer.isBuffer(content)) throw new Error("More content than memory is for.");
    writeFileSync(place(path), content);
    chmodSync(place(path), mode);
  }
}
