// Proves that workspaces fit a terminal and scripts: pass-through, exit codes, names, exact bytes.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sharedHome } from "./home.js";
import { fix, fixedCalc, makeRepository, oddName } from "./repository.js";

const home = sharedHome();

/** A workspace of the command line, which is deleted in the end. */
async function openWorkspace(args: readonly string[] = []) {
  const created = await home.pyro(["workspace", "create", "--id-only", ...args]);
  expect([created.code, created.stdout.toString()]).toEqual([0, expect.stringMatching(/^ws_[a-z2-7]{12}\n$/u)]);
  const id = created.stdout.toString().trim();
  const pyro = (words: readonly string[], stdin?: Uint8Array) =>
    home.pyro(["workspace", ...words], stdin === undefined ? {} : { stdin });
  return {
    id,
    pyro,
    exec: (argv: readonly string[], stdin?: Uint8Array) =>
      pyro(["exec", id, "--timeout-seconds", "3600", "--", ...argv], stdin),
    [Symbol.asyncDispose]: async () => {
      await pyro(["delete", id]);
    },
  };
}

test("[workspace-exec] input, both output streams and the exit code pass through; own failures are 125", async () => {
  await using workspace = await openWorkspace();
  const bytes = randomBytes(300_000);
  const echoed = await workspace.exec(["sh", "-c", "cat; echo err >&2; exit 7"], bytes);
  expect([echoed.code, echoed.stdout.equals(bytes), echoed.stderr]).toEqual([7, true, "err\n"]);
  const timed = await workspace.pyro(["exec", workspace.id, "--timeout-seconds", "0.5", "--", "sleep", "20"]);
  expect([timed.code, timed.stdout.toString()]).toEqual([124, ""]);
  const killed = await workspace.exec(["sh", "-c", "kill -9 $$"]);
  expect(killed.code).toBe(137);
  const there = await workspace.pyro(["exec", workspace.id, "--cwd", "/tmp", "--", "pwd"]);
  expect(there.stdout.toString()).toBe("/tmp\n");
  const unknown = await home.pyro(["workspace", "exec", "no-such", "--", "true"]);
  expect([unknown.code, unknown.stderr.split("\n")[0]]).toEqual([125, 'pyro: There is no workspace "no-such".']);
  expect((await workspace.pyro(["exec", workspace.id])).code).toBe(64);
  const json = await workspace.pyro(["exec", workspace.id, "--json", "--", "sh", "-c", "echo out; exit 3"]);
  expect([json.code, JSON.parse(json.stdout.toString())]).toMatchObject([
    3,
    { exit_code: 3, stdout: "out\n", state: "exited" },
  ]);
});

test("[workspace-detach] a detached command prints its number; wait prints its streams and exits as it did", async () => {
  await using workspace = await openWorkspace();
  // Ends when it is told to: how long the calls in between take says nothing.
  const script = "cat; echo out; echo err >&2; mkfifo /tmp/end; read _ </tmp/end; exit 5";
  const detached = await workspace.pyro([
    "exec",
    workspace.id,
    "--detach",
    "--timeout-seconds",
    "3600",
    "--",
    "sh",
    "-c",
    script,
  ]);
  expect([detached.code, detached.stdout.toString()]).toEqual([0, "1\n"]);
  expect(detached.stderr).toContain(`pyro workspace wait ${workspace.id} 1`);
  const early = await workspace.pyro(["wait", workspace.id, "1", "--wait-seconds", "0.1"]);
  expect([early.code, early.stdout.toString()]).toEqual([75, ""]);
  await workspace.exec(["sh", "-c", "until [ -p /tmp/end ]; do sleep 0.1; done; echo >/tmp/end"]);
  const done = await workspace.pyro(["wait", workspace.id, "1"]);
  expect([done.code, done.stdout.toString(), done.stderr]).toEqual([5, "out\n", "err\n"]);
  expect((await workspace.pyro(["wait", workspace.id, "3"])).code).toBe(125);
});

test("[workspace-names] id, unique prefix and name all mean the workspace; names are unique, labels change", async () => {
  const name = `name-${randomBytes(3).toString("hex")}`;
  await using workspace = await openWorkspace(["--name", name, "--label", "a=1", "--label", "b=x=y"]);
  const { id, pyro } = workspace;
  for (const word of [id, id.slice(0, 9), name]) {
    const { stdout } = await pyro(["status", word, "--json"]);
    expect(JSON.parse(stdout.toString())).toMatchObject({ workspace_id: id, name, labels: { a: "1", b: "x=y" } });
  }
  const host = await workspace.exec(["hostname"]);
  expect(host.stdout.toString()).toBe(`${name}\n`);
  const taken = await pyro(["create", "--name", name]);
  expect([taken.code, taken.stderr]).toEqual([73, expect.stringContaining(name)]);
  const updated = await pyro(["update", id, "--clear-name", "--clear-label", "a", "--label", "c=", "--json"]);
  expect(JSON.parse(updated.stdout.toString())).toMatchObject({ name: null, labels: { b: "x=y", c: "" } });
  const { stdout } = await pyro(["list"]);
  const lines = stdout.toString().split("\n");
  expect(lines[0]).toMatch(/^ID +NAME +STATE +ENVIRONMENT +SEED +LABELS +AGE +LAST USE +DELETED$/u);
  expect(lines.find((line) => line.startsWith(id))).toMatch(/ running +debian:12 .* b=x=y,c= /u);
});

test("[workspace-print] files, patches and diffs are exact bytes through pipes", async () => {
  using repository = makeRepository();
  await using workspace = await openWorkspace(["--seed-path", repository.path]);
  const { id, pyro } = workspace;
  const text = Buffer.from("\uFEFFno newline at the end, ünïcode");
  expect((await pyro(["file", "write", id, "deep/down.txt", "--text-file", "-"], text)).code).toBe(0);
  const read = await pyro(["file", "read", id, "deep/down.txt", "--content-only"]);
  expect(read.stdout.equals(text)).toBe(true);
  await workspace.exec(["sh", "-c", "printf '\\377\\000x' > bytes.bin"]);
  const bytes = await pyro(["file", "read", id, "bytes.bin", "--content-only"]);
  expect([...bytes.stdout]).toEqual([255, 0, 120]);
  expect((await pyro(["patch", "apply", id, "--patch", fix])).code).toBe(0);
  const fixed = await pyro(["file", "read", id, "src/calc.sh", "--content-only"]);
  expect(fixed.stdout.toString()).toBe(fixedCalc);
  const diff = await pyro(["diff", id]);
  repository.apply(diff.stdout);
  const inside = await workspace.exec(["sh", "-c", "sha256sum deep/down.txt bytes.bin src/calc.sh"]);
  const outside = execFileSync("sha256sum", ["deep/down.txt", "bytes.bin", "src/calc.sh"], { cwd: repository.path });
  expect(inside.stdout.toString()).toBe(outside.toString());
  const both = await pyro(["file", "write", id, "x", "--text", "a", "--text-file", "-"], Buffer.from("b"));
  expect([both.code, both.stderr.split("\n")[0]]).toEqual([64, "pyro: --text and --text-file exclude each other."]);
  const binary = await pyro(["file", "write", id, "x", "--text-file", "-"], Buffer.from([255]));
  expect([binary.code, binary.stderr.split("\n")[0]]).toEqual([64, "pyro: Standard input is not UTF-8 text."]);
});

test("[workspace-diff-ignored] thousands of installed files do not hide the change; asked for, they are all there", async () => {
  using repository = makeRepository();
  await using workspace = await openWorkspace(["--seed-path", repository.path]);
  const { id, pyro } = workspace;
  const install = "mkdir -p node_modules/pack; cd node_modules/pack; seq 2000 | split -l 1 -a 4 -d - f";
  await workspace.exec(["sh", "-c", `echo node_modules/ >> .gitignore; ${install}`]);
  expect((await pyro(["patch", "apply", id, "--patch", fix])).code).toBe(0);
  const diff = await pyro(["diff", id]);
  expect(diff.stderr).toBe(
    "pyro: Left out, as git ignores them: 2000 files (node_modules/). --include-ignored shows them.\n",
  );
  const summary = await pyro(["summary", id]);
  expect(summary.stdout.toString()).toContain(
    "**Files changed** (2)\n- modified `.gitignore`\n- modified `src/calc.sh`\n",
  );
  const all = await pyro(["diff", id, "--include-ignored", "--json"]);
  expect(JSON.parse(all.stdout.toString())).toMatchObject({
    counts: { added: 2000, modified: 2 },
    ignored: { file_count: 0, paths: [] },
    patch_truncated: false,
  });
  const one = await pyro(["diff", id, "--path", "node_modules/pack/f0007"]);
  expect([one.stdout.toString(), one.stderr]).toEqual([expect.stringMatching(/^\+8$/mu), ""]);
  repository.apply(diff.stdout);
  expect(repository.git("status", "--short", "--", ".gitignore", "src/calc.sh", "node_modules")).toBe(
    " M .gitignore\n M src/calc.sh\n",
  );
});

test("[workspace-diff-whole] a long patch goes out and in whole, what no patch holds is named, and so is a path that names nothing", async () => {
  using repository = makeRepository();
  await using workspace = await openWorkspace(["--seed-path", repository.path]);
  await using other = await openWorkspace(["--seed-path", repository.path]);
  const { id, pyro } = workspace;
  const grow = "head -c 9000000 /dev/urandom | base64 > text; head -c 9000000 /dev/urandom > bytes";
  await workspace.exec(["sh", "-c", `${grow}; mkdir hollow; mkfifo pipe; truncate -s 60M large; rm -r src`]);
  const path = `${repository.path}/whole.patch`;
  const written = await pyro(["diff", id, "--output", path]);
  expect(written.stdout.toString()).toBe("");
  for (const each of ["large (a file of more than 50 MiB", "hollow/ (an empty folder", "pipe (a pipe"]) {
    expect(written.stderr).toContain(`Not in the patch: ${each}`);
  }
  const patch = readFileSync(path);
  expect(patch.length).toBeGreaterThan(22_000_000);
  expect((await pyro(["diff", id])).stdout.equals(patch)).toBe(true);
  const applied = await other.pyro(["patch", "apply", other.id, "--patch-file", path]);
  expect([applied.code, applied.stderr]).toEqual([0, ""]);
  const again = await other.pyro(["patch", "apply", other.id, "--patch-file", "-"], patch);
  expect([again.code, again.stderr.split("\n")[0]]).toEqual([
    73,
    "pyro: The patch adds bytes, which is already there.",
  ]);
  const sums = ["sh", "-c", "sha256sum text bytes; ls"];
  const [here, there] = [await workspace.exec(sums), await other.exec(sums)];
  expect(there.stdout.toString()).toBe(here.stdout.toString().replaceAll(/^(?:hollow|large|pipe)\n/gmu, ""));
  const nope = await pyro(["diff", id, "--path", "bytes", "--path", "nope"]);
  expect([nope.code, nope.stdout.toString(), nope.stderr.split("\n")[0]]).toEqual([
    66,
    "",
    'pyro: paths: "nope" names nothing that is in the workspace, or was when it was created.',
  ]);
});

test("[workspace-git] [workspace-odd-names] git works inside as outside, and odd names come in and out as they are", async () => {
  using repository = makeRepository();
  await using workspace = await openWorkspace(["--seed-path", repository.path]);
  const status = await workspace.exec(["git", "status", "--short"]);
  expect([status.stderr, status.stdout.toString()]).toEqual(["", repository.git("status", "--short")]);
  const log = await workspace.exec(["git", "log", "--format=%H %s"]);
  expect(log.stdout.toString()).toBe(repository.git("log", "--format=%H %s"));
  const script = [
    "set -e",
    "git config user.name t && git config user.email t@example.org",
    'git stash --quiet --include-untracked && test -z "$(git status --short)" && git stash pop --quiet',
    "git switch --quiet --create topic && git commit --quiet --all --message topic",
    "git switch --quiet main && echo more > more.txt && git add more.txt && git commit --quiet --message more",
    "git switch --quiet topic && git rebase --quiet main",
    "git log --format=%s && git fsck --strict --no-dangling && git status --short",
  ].join("\n");
  const worked = await workspace.exec(["sh", "-c", script]);
  expect([worked.code, worked.stdout.toString()]).toEqual([0, "topic\nmore\nfirst\n?? new.txt\n"]);
  const names = await workspace.exec(["sh", "-c", "ls | grep -a -A1 odd"]);
  expect(names.stdout.equals(Buffer.concat([oddName, Buffer.from("\n")]))).toBe(true);
  await workspace.exec(["sh", "-c", 'for f in odd*; do echo changed >> "$f"; done']);
  const diff = await workspace.pyro(["diff", workspace.id]);
  repository.apply(diff.stdout);
  const content = execFileSync("sh", ["-c", "cat odd*"], { cwd: repository.path });
  expect(content.toString()).toBe("odd\nchanged\n");
});
