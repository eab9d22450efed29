// Proves that a repository becomes a clean checkout, kept and brought up to date, and that no URL runs a program or leaves a credential.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { openRepositories, type Repositories } from "../../../../src/tree/git/repositories.js";
import { checkRef, parseRepositoryUrl } from "../../../../src/tree/git/url.js";
import { openSeedCache } from "../../../../src/tree/seed/seed-cache.js";
import { git } from "../seed/tree.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let origin: string;
let url: string;
let repositories: Repositories;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-project-"));
  const work = join(home, "work");
  mkdirSync(work);
  git(work, "init", "-q", "-b", "trunk");
  commit("file", "one");
  git(work, "tag", "-a", "v1", "-m", "one");
  git(work, "branch", "side");
  origin = join(home, "origin.git");
  git(home, "clone", "-q", "--bare", work, origin);
  git(work, "remote", "add", "origin", origin);
  url = `file://${origin}`;
  repositories = openRepositories({ root: join(home, "repos"), timeoutMs: 60_000 });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function commit(name: string, content: string): string {
  const work = join(home, "work");
  writeFileSync(join(work, name), content);
  git(work, "add", ".");
  git(work, "commit", "-qm", content);
  return git(work, "rev-parse", "HEAD").trim();
}

function push(...refs: readonly string[]): void {
  git(join(home, "work"), "push", "-q", "--force", "origin", ...refs);
}

async function checkedOut(ref?: string) {
  await using checkout = await repositories.checkout({ url, ref }, task);
  const at = (...args: readonly string[]) => git(checkout.path, ...args).trim();
  const state = {
    branch: at("branch", "--show-current"),
    log: at("log", "--format=%s"),
    status: at("status", "--porcelain"),
  };
  return { ...state, commit: checkout.commit, path: checkout.path, remote: at("remote", "get-url", "origin") };
}

test("the default branch, a branch, a tag, a commit and a pull request are checked out, with history", async () => {
  const first = git(join(home, "work"), "rev-parse", "HEAD").trim();
  const pull = commit("pull", "two");
  push("HEAD:refs/pull/7/head");
  expect(await checkedOut()).toMatchObject({ branch: "trunk", log: "one", status: "", commit: first, remote: url });
  expect(await checkedOut("side")).toMatchObject({ branch: "side", commit: first });
  expect(await checkedOut("v1")).toMatchObject({ branch: "", commit: first });
  expect(await checkedOut(first)).toMatchObject({ branch: "", commit: first });
  expect(await checkedOut("refs/pull/7/head")).toMatchObject({ branch: "", commit: pull, log: "two\none" });
  await expect(repositories.checkout({ url, ref: "nothing" }, task)).rejects.toMatchObject({ code: "not_found" });
});

test("it is kept, follows the branch, also by force, and its seed is cached", async () => {
  const cache = openSeedCache({ root: join(home, "seeds"), clock: () => new Date() });
  const seed = async () => {
    await using checkout = await repositories.checkout({ url }, task);
    return await cache.seedFromDirectory(checkout.path, task);
  };
  const [first, second] = [await seed(), await seed()];
  expect([first.cached, second.cached]).toEqual([false, true]);
  const newer = commit("file", "two");
  push("trunk");
  expect(await seed()).toMatchObject({ mode: "git", branch: "trunk", commit: newer, cached: false });
  git(join(home, "work"), "reset", "-q", "--hard", "v1");
  const other = commit("file", "three");
  push("trunk");
  expect(await seed()).toMatchObject({ commit: other });
});

test("what somebody changed in the kept checkout does not enter the next one", async () => {
  const { path } = await checkedOut();
  writeFileSync(join(path, "file"), "changed");
  writeFileSync(join(path, "extra"), "x");
  expect(await checkedOut()).toMatchObject({ status: "" });
  expect(existsSync(join(path, "extra"))).toBe(false);
});

test("a checkout needs neither the mirror nor the repository", async () => {
  const { path } = await checkedOut();
  rmSync(origin, { recursive: true });
  for (const key of readdirSync(join(home, "repos")).filter((name) => !name.endsWith(".lock"))) {
    rmSync(join(home, "repos", key, "mirror.git"), { recursive: true });
  }
  expect(git(path, "fsck", "--strict")).toBe("");
  await expect(repositories.checkout({ url }, task)).rejects.toMatchObject({ code: "unavailable" });
});

test("calls at once cooperate, and prune takes what was not used", async () => {
  const found = await Promise.all([checkedOut(), checkedOut("side"), checkedOut()]);
  expect(found.map(({ branch }) => branch)).toEqual(["trunk", "side", "trunk"]);
  expect(await repositories.prune(new Date(Date.now() - 60_000), task.signal)).toEqual([]);
  expect(await repositories.prune(new Date(Date.now() + 60_000), task.signal)).toHaveLength(1);
  expect(await checkedOut()).toMatchObject({ branch: "trunk" });
});

test("a server that never answers ends at the deadline, one that wants a password at once; no credential is kept", async () => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.headers.authorization ?? "none");
    if (request.url?.startsWith("/locked") === true) response.writeHead(401, { "WWW-Authenticate": "Basic" }).end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const hasty = openRepositories({ root: join(home, "repos"), timeoutMs: 3000 });
  const slow = hasty.checkout({ url: `http://127.0.0.1:${port}/slow` }, task);
  await expect(slow).rejects.toMatchObject({ code: "deadline_exceeded" });
  const locked = repositories.checkout({ url: `http://you@127.0.0.1:${port}/locked` }, task);
  await expect(locked).rejects.toMatchObject({ code: "unavailable" });
  const secret = repositories.checkout({ url: `http://you:SECRET@127.0.0.1:${port}/secret` }, task);
  await expect(secret).rejects.toMatchObject({ code: "invalid_argument" });
  server.closeAllConnections();
  server.close();
  // An empty answer where git asks for a password; nothing of the refused one.
  const none = ["none", `Basic ${Buffer.from("you:").toString("base64")}`];
  expect([requests.length > 1, requests.filter((each) => !none.includes(each))]).toEqual([true, []]);
});

test("over SSH the caller's agent is asked, for that call alone, and nothing is asked of a person", async () => {
  const bin = join(home, "bin");
  mkdirSync(bin);
  // Ends as a server would: it runs the last word.
  const script = 'echo "${SSH_AUTH_SOCK-none} $1 $2" >> "$0.log"; for last; do :; done; exec sh -c "$last"';
  writeFileSync(join(bin, "ssh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${bin}:${process.env["PATH"] ?? ""}`);
  // Not the caller's: of whoever started the daemon.
  vi.stubEnv("SSH_AUTH_SOCK", "/of/the/daemon");
  try {
    for (const sshAgent of ["/of/the/caller", undefined]) {
      await using checkout = await repositories.checkout({ url: `ssh://git@host${origin}`, sshAgent }, task);
      expect(git(checkout.path, "log", "--format=%s").trim()).toBe("one");
    }
  } finally {
    vi.unstubAllEnvs();
  }
  const calls = readFileSync(join(bin, "ssh.log"), "utf8").trim().split("\n");
  const from = (agent: string) => `${agent} -o BatchMode=yes`;
  expect(new Set(calls)).toEqual(new Set([from("/of/the/caller"), from("none")]));
});

test("hooks, templates and filters of the repository run nothing", async () => {
  const ran = join(home, "ran");
  commit(".gitattributes", "* filter=evil\n");
  writeFileSync(join(origin, "hooks/upload-pack"), `#!/bin/sh\ntouch ${ran}\n`, { mode: 0o755 });
  push("trunk");
  expect(await checkedOut()).toMatchObject({ status: "" });
  expect(existsSync(ran)).toBe(false);
});

test("URLs that run programs or hide options are refused, usual ones taken and cleaned", () => {
  const unfit = [
    "ext::sh -c id",
    "ext::id",
    "fd::3",
    "-oProxyCommand=id",
    "ssh://-oProxyCommand=id/x",
    "ssh://-l@host/x",
  ];
  const more = [
    "-x@host:path",
    "host:-x",
    "ftp://host/x",
    "",
    "relative/path",
    "https://",
    "https://a b/",
    "file::x",
    "https://h\n/x",
  ];
  for (const wrong of [...unfit, ...more]) expect(() => parseRepositoryUrl(wrong)).toThrow(/repository URL/u);
  const clean = (given: string) => [parseRepositoryUrl(given).clean, parseRepositoryUrl(given).protocol];
  expect(clean("https://you@host/a.git")).toEqual(["https://host/a.git", "https"]);
  expect(clean("ssh://git@host/a.git")).toEqual(["ssh://git@host/a.git", "ssh"]);
  expect(clean("git@host:group/a.git")).toEqual(["git@host:group/a.git", "ssh"]);
  expect(clean("/srv/a.git")).toEqual(["file:///srv/a.git", "file"]);
});

test("a URL with a password or token is refused by field and next step, and never shown", () => {
  const secrets = [
    "https://u:SECRET@host/a",
    "http://:SECRET@host/a",
    "ssh://git:SECRET@host/a",
    "git://u:SECRET@host/a",
  ];
  const tokens = ["https://ghp_SECRET@host/a", "https://github_pat_SECRET@host/a", "https://glpat-SECRET@host/a"];
  const odd = ["HTTPS://u:SECRET%40@host/a", "https://u:SEC@RET@host/a", "u:SECRET@host/a"];
  for (const url of [...secrets, ...tokens, ...odd]) {
    expect(thrownBy(() => parseRepositoryUrl(url))).toEqual({
      code: "invalid_argument",
      message: expect.stringMatching(
        /^repo_url: The repository URL "([a-z]+:\/\/)?\*{3}@host\/a" has a password or token in it, /iu,
      ) as string,
      hint: expect.stringContaining("credential helper") as string,
    });
  }
  // What is refused for another reason keeps its secret as well.
  const broken = ["https://u:SEC/RET@host/a", "https://u:SE CRET@host", "ftp://u:SECRET@host/a", "ext::u:SECRET@host"];
  for (const url of [...broken, "https://u:SECRET@", "SEC RET@host:a"]) {
    expect(thrownBy(() => parseRepositoryUrl(url)).message).not.toMatch(/SE|RET/u);
  }
});

function thrownBy(act: () => unknown) {
  try {
    act();
  } catch (error) {
    if (error instanceof PyroError) return error.toBody();
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

test("names that are no refs are refused", () => {
  for (const wrong of [
    "",
    "-x",
    "--upload-pack=id",
    "a..b",
    "a b",
    "a:b",
    "a^",
    "a~1",
    "@{-1}",
    "a.lock",
    "a/",
    "x\n",
  ]) {
    expect(() => checkRef(wrong)).toThrow(/is no name/u);
  }
  for (const right of ["main", "v1.2.3", "feature/x-y_z", "refs/pull/1/head", "deadbeef", "ünï"]) checkRef(right);
});
