// Owns making and comparing trees of odd files for the seed tests. Never proves anything by itself.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface TreeEntry {
  readonly kind: "file" | "directory" | "symlink";
  readonly mode: string;
  /** Whole seconds. */
  readonly mtime: number;
  readonly content: string;
  /** All names of the same file, where there are several. */
  readonly names: string;
}

/** Every path below `root`, a byte in each character, but sockets and pipes. */
export function treeOf(root: string): Record<string, TreeEntry> {
  const inodes = new Map<bigint, string[]>();
  const found: [string, Omit<TreeEntry, "names">, bigint][] = [];
  walk(Buffer.from(root), "", (path, full) => {
    const stat = lstatSync(full, { bigint: true });
    const kind = stat.isFile()
      ? "file"
      : stat.isDirectory()
        ? "directory"
        : stat.isSymbolicLink()
          ? "symlink"
          : undefined;
    if (kind === undefined) return false;
    const content =
      kind === "file"
        ? createHash("sha256").update(readFileSync(full)).digest("hex")
        : kind === "symlink"
          ? readlinkSync(full, { encoding: "latin1" })
          : "";
    const mode = (Number(stat.mode) & 0o7777).toString(8);
    found.push([path, { kind, mode, mtime: Number(stat.mtimeNs / 1_000_000_000n), content }, stat.ino]);
    if (kind === "file") inodes.set(stat.ino, [...(inodes.get(stat.ino) ?? []), path]);
    return kind === "directory";
  });
  return Object.fromEntries(
    found.map(([path, entry, inode]) => {
      const names = inodes.get(inode) ?? [];
      return [path, { ...entry, names: names.length > 1 ? names.toSorted().join("\n") : "" }];
    }),
  );
}

function walk(folder: Buffer, prefix: string, visit: (path: string, full: Buffer) => boolean): void {
  for (const name of readdirSync(folder, { encoding: "latin1" })) {
    const full = Buffer.concat([folder, Buffer.from("/"), Buffer.from(name, "latin1")]);
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (visit(path, full)) walk(full, path, visit);
  }
}

/** Unpacks an image beside it and gives the folder. */
export function unpack(imagePath: string, into: string): string {
  const folder = join(into, "unpacked");
  rmSync(folder, { recursive: true, force: true });
  // Not root's unsquashfs lets the umask take rights away.
  const script = 'umask 0 && exec unsquashfs -quiet -no-progress -dest "$@"';
  execFileSync("sh", ["-c", script, "unsquashfs", folder, imagePath]);
  return folder;
}

/** How an image of this tree comes out of `unpack`: only root's unsquashfs makes setuid and setgid files. */
export function asUnpacked(tree: Record<string, TreeEntry>): Record<string, TreeEntry> {
  if (process.getuid?.() === 0) return tree;
  return Object.fromEntries(
    Object.entries(tree).map(([path, entry]) => [
      path,
      { ...entry, mode: (Number.parseInt(entry.mode, 8) & ~0o6000).toString(8) },
    ]),
  );
}

/** Runs git with nothing of the host's own configuration. */
export function git(folder: string, ...args: readonly string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"];
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
  };
  return execFileSync("git", [...identity, ...args], {
    cwd: folder,
    env,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
  });
}
