// Proves that root inside, who marks folders of the upper layer by hand, gets nothing onto the host but what the seed has, on a real machine.

import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runFolder } from "./command.js";
import { sharedHome } from "./home.js";
import { makeRepository } from "./repository.js";

const home = sharedHome();

/** Where the kernel is to find what the seed has of a folder that never was in it. */
const seeded = { "to-src": "/src", "to-git": "/.git", nowhere: "/base/etc" } as const;
const outside = {
  "to-root": "/",
  "above-root": "/../base/etc",
  "above-by-name": "../src",
  "through-dots": "/src/../../base/etc",
} as const;

/** Marks them in the file system of the disk itself, mounted a second time: through the overlay the kernel would refuse. */
const markByHand = [
  "import os, subprocess, sys",
  "number = [line.split() for line in open('/proc/partitions') if line.endswith(' vdc\\n')][0]",
  "os.mknod('/dev/disk', 0o60600, os.makedev(int(number[0]), int(number[1])))",
  "subprocess.run(['mount', '-t', 'ext4', '/dev/disk', '/mnt'], check=True)",
  "for word in sys.argv[1:]:",
  "    name, to = word.split('=')",
  "    folder = '/mnt/workspace/upper/' + name",
  "    os.removexattr(folder, 'trusted.overlay.opaque')",
  "    os.setxattr(folder, 'trusted.overlay.redirect', to.encode())",
  "subprocess.run(['umount', '/mnt'], check=True)",
].join("\n");

test("[workspace-redirected] folders that root inside has redirected by hand bring nothing of the host or the machine", async () => {
  using repository = makeRepository();
  const out = mkdtempSync(join(runFolder(), "redirected-"));
  const pyro = (...args: readonly string[]) => home.pyro(["workspace", ...args]);
  const created = await pyro("create", "--id-only", "--seed-path", repository.path);
  const id = created.stdout.toString().trim();
  const redirect = async (marks: Readonly<Record<string, string>>) => {
    await pyro("exec", id, "--", "mkdir", ...Object.keys(marks));
    const words = Object.entries(marks).map(([name, to]) => `${name}=${to}`);
    const marked = await pyro(
      "exec",
      id,
      "--",
      "sh",
      "-c",
      'rm -f /dev/disk; exec python3 -c "$@"',
      "sh",
      markByHand,
      ...words,
    );
    expect([marked.code, marked.stderr]).toEqual([0, ""]);
    await pyro("stop", id);
    await pyro("start", id);
  };
  const exported = async (name: string) => {
    const { code } = await pyro("export", id, name, "--output", join(out, name));
    return code === 0 ? readdirSync(join(out, name)).sort() : code;
  };
  try {
    await redirect(seeded);
    expect(await exported("to-src")).toEqual(readdirSync(join(repository.path, "src")).sort());
    for (const file of readdirSync(join(out, "to-src"))) {
      expect(readFileSync(join(out, "to-src", file), "utf8")).toBe(
        readFileSync(join(repository.path, "src", file), "utf8"),
      );
    }
    // The seed's own .git by another name: whole it would be a repository.
    expect(await exported("to-git")).toEqual(expect.not.arrayContaining(["refs"]));
    expect(await exported("nowhere")).toEqual([]);
    const diff = await pyro("diff", id, "--json");
    const { entries, omitted, patch } = JSON.parse(diff.stdout.toString()) as {
      entries: { path: string }[];
      omitted: { path: string; kind: string }[];
      patch: string;
    };
    expect(entries.filter(({ path }) => !Object.keys(seeded).includes(path.split("/")[0] ?? ""))).toEqual([]);
    expect(omitted.filter(({ kind }) => kind === "repository").map(({ path }) => path)).toEqual(["to-git/"]);
    expect(patch).not.toMatch(/ b\/to-git\/(?:config|hooks)\b/u);

    await redirect(outside);
    for (const name of Object.keys(outside)) expect([name, await exported(name)]).toEqual([name, 73]);
    expect(readdirSync(out).sort()).toEqual(Object.keys(seeded).sort());
    const refused = await pyro("diff", id, "--json");
    expect([refused.code, JSON.parse(refused.stdout.toString()).error]).toMatchObject([
      73,
      { code: "failed_precondition", message: expect.stringContaining("its redirect is not a path") },
    ]);
  } finally {
    await pyro("delete", id);
    rmSync(out, { recursive: true, force: true });
  }
});
