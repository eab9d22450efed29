// Proves what becomes of single files, of links, of what is no file, and of what a command leaves in the background.

import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedHome } from "./home.js";
import { makeRepository } from "./repository.js";

const home = sharedHome();
let id = "";
let folder = "";
let repository: ReturnType<typeof makeRepository>;

async function pyro(...words: readonly string[]) {
  const done = await home.pyro(["workspace", ...words]);
  return { code: done.code, stdout: done.stdout.toString(), stderr: done.stderr };
}

async function text(...words: readonly string[]): Promise<string> {
  const done = await pyro(...words);
  expect([words.join(" "), done.code, done.stderr]).toEqual([words.join(" "), 0, expect.any(String)]);
  return done.stdout;
}

async function json(...words: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await text(...words, "--json")) as Record<string, unknown>;
}

async function exec(...words: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await text("exec", id, "--json", ...words)) as Record<string, unknown>;
}

function inside(script: string): Promise<string> {
  return text("exec", id, "--", "sh", "-c", script);
}

beforeAll(async () => {
  repository = makeRepository();
  folder = join(repository.path, "..", "edges");
  mkdirSync(folder);
  id = (await text("create", "--id-only", "--seed-path", repository.path)).trim();
});

afterAll(async () => {
  await text("delete", id);
  repository[Symbol.dispose]();
});

test("[workspace-edges] one file is pushed where cp would put it", async () => {
  const file = join(folder, "odd näme 'x' ");
  writeFileSync(file, "content\n");
  chmodSync(file, 0o755);
  writeFileSync(join(folder, "empty"), "");
  symlinkSync(file, join(folder, "link"));
  await inside("mkdir -p sub; ln -s sub tosub; echo old > there; chmod 640 there");
  const push = (source: string, ...words: string[]) => json("sync", "push", id, join(folder, source), ...words);
  const name = "odd näme 'x' ";
  const one = { file_count: 1, byte_count: 8, skipped: [] };
  expect(await push(name)).toMatchObject({ ...one, dest: `/workspace/${name}` });
  expect(await push(name, "--dest", "sub")).toMatchObject({ ...one, dest: `/workspace/sub/${name}` });
  expect(await push(name, "--dest", "tosub")).toMatchObject({ ...one, dest: `/workspace/sub/${name}` });
  expect(await push(name, "--dest", "new/dir/")).toMatchObject({ ...one, dest: `/workspace/new/dir/${name}` });
  expect(await push(name, "--dest", "new/name.tar.gz")).toMatchObject({ ...one, dest: "/workspace/new/name.tar.gz" });
  expect(await push(name, "--dest", "there")).toMatchObject({ ...one, dest: "/workspace/there" });
  expect(await push("link")).toMatchObject({ ...one, dest: "/workspace/link" });
  expect(await push("empty")).toMatchObject({ file_count: 1, byte_count: 0, dest: "/workspace/empty" });
  const seen = await inside(
    `stat -c '%a %s %F %n' "${name}" "sub/${name}" "new/dir/${name}" new/name.tar.gz there link empty`,
  );
  expect(seen.split("\n")).toEqual([
    `755 8 regular file ${name}`,
    `755 8 regular file sub/${name}`,
    `755 8 regular file new/dir/${name}`,
    "755 8 regular file new/name.tar.gz",
    "640 8 regular file there",
    "755 8 regular file link",
    expect.stringMatching(/^644 0 regular empty file empty$/u) as string,
    "",
  ]);
  execFileSync("mkfifo", [join(folder, "pipe")]);
  const refused = await pyro("sync", "push", id, join(folder, "pipe"));
  expect([refused.code, refused.stderr]).toEqual([
    64,
    expect.stringContaining("is a named pipe (FIFO), not a file or folder"),
  ]);
  const missing = await pyro("sync", "push", id, join(folder, "no-such"));
  expect([missing.code, missing.stderr]).toEqual([66, expect.stringContaining("does not exist")]);
  const git = await pyro("sync", "push", id, join(folder, "empty"), "--dest", ".git/config");
  expect([git.code, git.stderr]).toEqual([77, expect.stringContaining("is inside a .git folder")]);
});

test("[workspace-edges] a file is written through a link that stays inside, and keeps what is not content", async () => {
  await inside(
    "echo old > real; chown 1000:1001 real; chmod 4751 real; setfattr -n user.mark -v x real 2>/dev/null; ln real name; ln -s real to; ln -s /etc/passwd out; ln -s made/dangling d",
  );
  expect(await json("file", "write", id, "to", "--text", "new\n")).toMatchObject({ path: "/workspace/real", bytes: 4 });
  expect(await inside("cat to name; stat -c '%u:%g %a %h %F' real; readlink to")).toBe(
    "new\nold\n1000:1001 4751 1 regular file\nreal\n",
  );
  expect(await json("file", "write", id, "d", "--text", "x")).toMatchObject({ path: "/workspace/made/dangling" });
  const out = await pyro("file", "write", id, "out", "--text", "x");
  expect([out.code, out.stderr]).toEqual([
    77,
    expect.stringMatching(/\/workspace\/out: .*it leads out of the workspace/u),
  ]);
  await inside("mkfifo p; mkdir f");
  for (const [path, what] of [
    ["p", "a named pipe (FIFO)"],
    ["f", "a folder"],
  ] as const) {
    const done = await pyro("file", "write", id, path, "--text", "x");
    expect([done.code, done.stderr]).toEqual([73, expect.stringContaining(`is ${what}, not a regular file`)]);
  }
});

test("[workspace-edges] writes, patches and pushes are seen by no program before they are whole", async () => {
  const watch =
    "python3 -c \"import os,time\nseen=set()\nend=time.time()+6\nwhile time.time()<end: seen|={n for n in os.listdir('/workspace') if 'pyro' in n}\nprint(sorted(seen))\"";
  const { sequence } = (await exec("--detach", "--", "sh", "-c", watch)) as { sequence: number };
  await text("patch", "apply", id, "--patch", "--- /dev/null\n+++ b/patched\n@@ -0,0 +1 @@\n+x\n");
  await text("sync", "push", id, folder, "--dest", "pushed");
  await text("file", "write", id, "written", "--text", "x");
  expect(await text("wait", id, String(sequence))).toBe("[]\n");
});

test("[workspace-edges] an export says of what is no file or folder what it is", async () => {
  await inside(
    "rm -rf k; mkdir -p k/empty; cd k; mkfifo p; echo x > file; ln -s file l; ln -s nowhere dangling; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('s')\"; mknod c c 1 3",
  );
  const to = (name: string) => join(folder, `out-${name}`);
  for (const [name, what] of [
    ["p", "a named pipe (FIFO)"],
    ["s", "a socket"],
    ["c", "a device"],
  ] as const) {
    const done = await pyro("export", id, `k/${name}`, "--output", to(name));
    expect([done.code, done.stderr]).toEqual([
      73,
      expect.stringContaining(`/workspace/k/${name} is ${what}, which is not exported`),
    ]);
    expect(existsSync(to(name))).toBe(false);
  }
  expect(await json("export", id, "k/l", "--output", to("l"))).toMatchObject({ kind: "symlink", link_target: "file" });
  expect(readlinkSync(to("l"))).toBe("file");
  const said = await text("export", id, "k/dangling", "--output", to("d"));
  expect(said).toContain("Exported a symbolic link to ");
  expect(said).toContain("It leads to nowhere, which was not exported with it.");
  expect(await json("export", id, "k/empty", "--output", to("e"))).toMatchObject({ kind: "directory", file_count: 0 });
  const whole = await json("export", id, "k", "--output", to("k"));
  expect(whole["skipped"]).toEqual([
    { path: "/workspace/k/c", reason: "a device" },
    { path: "/workspace/k/p", reason: "a named pipe (FIFO)" },
    { path: "/workspace/k/s", reason: "a socket" },
  ]);
  expect(readFileSync(join(to("k"), "file"), "utf8")).toBe("x\n");
  const missing = await pyro("export", id, "k/none", "--output", to("m"));
  expect([missing.code, missing.stderr]).toEqual([66, expect.stringContaining("no such file")]);
});

test("[workspace-edges] what a command leaves in the background is told of, and its output kept", async () => {
  const script = "echo own; (while [ ! -e /tmp/go ]; do sleep 0.2; done; echo late) &";
  const first = (await exec("--", "sh", "-c", script)) as { sequence: number };
  const { sequence } = first;
  expect(first).toMatchObject({ exit_code: 0, stdout: "own\n", background_commands: [sequence] });
  expect(await json("status", id)).toMatchObject({ background_commands: [sequence], running_commands: [] });
  expect(await text("status", id)).toContain(`left processes running: ${sequence}`);
  expect(await exec("--", "true")).toMatchObject({ background_commands: [sequence] });
  await inside("touch /tmp/go");
  await expect
    .poll(async () => (await json("status", id))["background_commands"], { timeout: 60_000, interval: 500 })
    .toEqual([]);
  expect(await text("wait", id, String(sequence))).toBe("own\nlate\n");
});

test("[workspace-edges] the command after one that was killed lives", async () => {
  const killed = await pyro("exec", id, "--timeout-seconds", "1", "--", "sleep", "100");
  expect(killed.code).toBe(124);
  expect(await inside("echo alive")).toBe("alive\n");
});
