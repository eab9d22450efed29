// Proves that an audit finds an owner for all that a pyro at rest has, and names each thing that has none, with what to do.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { preparePaths, type Paths } from "../../../../src/base/paths.js";
import { audit } from "../../../../src/client/audit/audit.js";
import { readProcessTable } from "../../../../src/client/audit/process-table.js";

let home: string;
let paths: Paths;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-audit-"));
  paths = preparePaths({ PYRO_HOME: home });
});
afterEach(() => {
  for (const { pid, argv } of readProcessTable().values()) {
    if (argv.some((word) => word.startsWith(`${home}/`))) process.kill(pid, "SIGKILL");
  }
  rmSync(home, { recursive: true, force: true });
});

const signal = new AbortController().signal;

function put(...path: readonly string[]): void {
  const file = join(home, ...path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "{}");
  const old = Date.now() / 1000 - 24 * 3600;
  utimesSync(file, old, old);
}

test("what a pyro at rest keeps has an owner, each thing once", async () => {
  for (const name of ["daemon.lock", "daemon.log", "daemon.log.1", "daemon.stderr", "quarantine/ws_a/x"])
    put("state", name);
  for (const name of ["host.json", "empty-seed.squashfs", "disk-0123456789abcdef.ext4"]) put("cache", name);
  for (const name of ["seeds/trees/a/seed.json", "repos/a.lock", "prepared/debian%3A12.json", "compiled/a/b"]) {
    put("cache", name);
  }
  put("cache", "templates", `${"0".repeat(32)}.lock`);
  const elsewhere = { ...paths, environments: join(home, "elsewhere") };
  expect((await audit(elsewhere, signal)).filter(({ owner }) => owner === undefined)).toEqual([]);
  const things = await audit(paths, signal);
  expect(things.filter(({ owner }) => owner === undefined)).toEqual([]);
  const names = things.map(({ what }) => what);
  expect(names.length).toBe(new Set(names).size);
  expect(names).toContain(join(home, "state", "quarantine"));
});

test("what a dead daemon left, what nobody knows and what runs without a parent have none", async () => {
  const left = [
    ...["state/daemon.json", "state/daemon.json.0123456789ab.tmp", "state/stranger", "state/exports/a.json"],
    ...["run/daemon.sock", "cache/stranger", "cache/host.json.0123456789ab.tmp"],
    ...["cache/prepared/a.json.0123456789ab.tmp", "cache/seeds/tmp/gone-1", "cache/environments/tmp/debian"],
  ];
  for (const name of left) put(name);
  const folders = ["state/machines/vm_a", "run/m/vm_a", "cache/probes/machines/vm_b", "state/workspaces/ws_a"];
  const more = ["state/workspaces/ws_a.deleted", `cache/templates/${"0".repeat(32)}.${"1".repeat(16)}`];
  const drafts = [`cache/templates/${"0".repeat(32)}.${"1".repeat(16)}.new`];
  for (const name of [...folders, ...more, ...drafts]) mkdirSync(join(home, name), { recursive: true });
  const lock = join(home, "cache", "templates", `${"2".repeat(32)}.lock`);
  spawnSync("setsid", ["--fork", "flock", lock, "sleep", "600"], { stdio: "ignore" });
  const faults = (await audit(paths, signal)).filter(({ owner }) => owner === undefined);
  const expected = [...left, ...folders, ...more, ...drafts].map((name) => join(home, name));
  expect(faults.map(({ what }) => what).toSorted()).toEqual([...expected, lock].toSorted());
  expect(faults.filter(({ fix }) => fix === "")).toEqual([]);
  expect(faults.find(({ kind }) => kind === "lock")?.fix).toMatch(/^kill \d+$/u);
});

test("what to do about a folder whose name has a blank is one word of the shell", async () => {
  const blank = preparePaths({ PYRO_HOME: join(home, "my files") });
  put("my files", "state", "stranger");
  const fault = (await audit(blank, signal)).find(({ what }) => what.endsWith("stranger"));
  expect(fault?.fix).toBe(`Look at it, then: rm -r '${join(home, "my files", "state", "stranger")}'`);
});

test("a draft that is being written, and a program of pyro's whose parent lives, have an owner", async () => {
  writeFileSync(join(home, "cache", "host.json.0123456789ab.tmp"), "");
  const lock = join(home, "cache", "templates", `${"2".repeat(32)}.lock`);
  mkdirSync(join(home, "cache", "templates", `${"2".repeat(32)}.${"1".repeat(16)}.new`), { recursive: true });
  const holder = spawn("flock", [lock, "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  const things = await audit(paths, signal);
  expect(things.filter(({ owner }) => owner === undefined)).toEqual([]);
  expect(things.find(({ kind }) => kind === "lock")).toMatchObject({ what: lock, owner: `process ${process.pid}` });
  holder.stdin.end();
  await once(holder, "close");
});
