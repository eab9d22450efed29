// Owns a user's home with repositories of every kind for the tests of git on the host. Never proves anything by itself.

import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { openSeedManifest } from "../../src/tree/seed/manifest.js";
import { openSeedCache, type SeedCache } from "../../src/tree/seed/seed-cache.js";

export const task = { signal: new AbortController().signal, progress: () => undefined };

/** Holds the user's home, and a folder that stands for the rest of the host. */
export let home: string;
export let user: string;
export let cache: SeedCache;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-host-git-"));
  user = join(home, "user");
  mkdirSync(user);
  mkdirSync(join(home, "ran"));
  vi.stubEnv("HOME", user);
  vi.stubEnv("XDG_CONFIG_HOME", undefined);
  cache = openSeedCache({ root: join(home, "seeds"), clock: () => new Date() });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

/** Runs git as the user would. */
export function git(folder: string, ...args: readonly string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"];
  const env = { PATH: process.env["PATH"], HOME: user, GIT_CONFIG_NOSYSTEM: "1", GIT_ADVICE: "0" };
  const stdio = ["pipe", "pipe", "pipe"] as const;
  return execFileSync("git", [...identity, ...args], { cwd: folder, env, encoding: "latin1", stdio: [...stdio] });
}

export function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
  }
}

export function makeRepository(folder: string, ...init: readonly string[]): string {
  write(folder, {
    ".gitignore": "*.log\n/build/\n",
    root: "root\n",
    "a/.gitignore": "secret*\n",
    "a/b/file": "file\n",
    "c/file": "file\n",
    "kept.log": "tracked all the same\n",
  });
  git(folder, "init", "-q", "-b", "main", ...init);
  git(folder, "add", "--force", ".");
  git(folder, "commit", "-qm", "first");
  write(folder, { "noise.log": "x", "build/out": "x", new: "new\n" });
  return folder;
}

/** What git run by the user lists and what is there, submodules and inner repositories included. */
export function listedByGit(folder: string): readonly string[] {
  const names = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0");
  const present = [...new Set(names)].filter((name) => name !== "" && existsLink(join(folder, name)));
  return present
    .flatMap((name) => {
      if (!lstatSync(join(folder, name)).isDirectory()) return [name];
      if (!existsSync(join(folder, name, ".git"))) return [];
      const inner = name.replace(/\/$/u, "");
      return listedByGit(join(folder, inner)).map((each) => `${inner}/${each}`);
    })
    .toSorted();
}

export function existsLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The seed's files, repositories and the pointers to them left out, and what was said of it. */
export async function seeded(folder: string, allowHostPaths: readonly string[] = []) {
  const seed = await cache.seedFromDirectory(folder, { ...task, allowHostPaths });
  await using manifest = await openSeedManifest(seed.manifestPath);
  const files: string[] = [];
  const inGit: string[] = [];
  for await (const { path, kind } of manifest.below(Buffer.alloc(0))) {
    if (kind === "directory") continue;
    (/(^|\/)\.git(\/|$)/u.test(path) ? inGit : files).push(path);
  }
  return { ...seed, files: files.toSorted(), inGit };
}

/** Leaves a trace where it is run. */
export function canary(name: string): string {
  return `touch ${join(home, "ran", name)};`;
}

export function ran(): readonly string[] {
  return readdirSync(join(home, "ran"));
}

export function forgetRan(): void {
  for (const name of ran()) rmSync(join(home, "ran", name));
}

/** The objects in files of their own, so that single ones can be lost. */
export function loosen(folder: string): void {
  const packs = join(folder, ".git/objects/pack");
  const away = join(home, "packs");
  mkdirSync(away, { recursive: true });
  for (const name of readdirSync(packs)) {
    const content = readFileSync(join(packs, name));
    rmSync(join(packs, name), { force: true });
    if (!name.endsWith(".pack")) continue;
    execFileSync("git", ["unpack-objects", "-q"], { cwd: folder, input: content });
  }
}

export function lose(folder: string, object: string): void {
  rmSync(join(folder, ".git/objects", object.slice(0, 2), object.slice(2)));
}

/** A partial clone whose sparse checkout leaves out `a` and `c`, without the objects of `a` that `lost` names. */
export function partialClone(lost: "rules" | "folder"): string {
  const origin = makeRepository(join(home, "origin"));
  git(origin, "config", "uploadpack.allowFilter", "true");
  git(origin, "config", "uploadpack.allowAnySHA1InWant", "true");
  const clone = join(user, "work/partial");
  git(home, "clone", "-q", "--filter=tree:0", "--no-checkout", `file://${origin}`, clone);
  git(clone, "sparse-checkout", "init", "--cone", ...(lost === "folder" ? ["--sparse-index"] : []));
  git(clone, "checkout", "-q", "main");
  loosen(clone);
  if (lost === "folder") lose(clone, git(origin, "rev-parse", "HEAD:a").trim());
  return clone;
}

export function withSubmodule(): string {
  const library = makeRepository(join(home, "library"));
  const folder = makeRepository(join(user, "work/repo"));
  git(folder, "submodule", "--quiet", "add", library, "deps/library");
  write(join(folder, "deps/library"), { "noise.log": "x", "a/secret": "x", new: "x" });
  return folder;
}

/** A repository of the user's that nobody names, with a file that is told by its content. */
export function victim(): string {
  const folder = makeRepository(join(user, "private"));
  write(folder, { "secret-plan": "THE PLAN\n" });
  git(folder, "add", "--force", ".");
  git(folder, "commit", "-qm", "plan");
  return folder;
}
