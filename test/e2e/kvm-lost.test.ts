// Proves what a run does where KVM had proved itself and has gone since: a host without a usable KVM, and a verdict from better days.

import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHome, type Home } from "./home.js";

interface Verdicts {
  readonly kvm: { readonly usable: boolean; readonly cause: string };
}

const hostFile = (home: Home) => join(home.path, "cache", "host.json");
const verdicts = (home: Home) => JSON.parse(readFileSync(hostFile(home), "utf8")) as Verdicts;

/** The file is shared with other homes: it is replaced, never written to. */
function pretendKvm(home: Home): void {
  const known = verdicts(home);
  const good = { usable: true, cause: "none", reason: "", fix: "", loop_us: 28, boot_ms: 400 };
  rmSync(hostFile(home));
  writeFileSync(hostFile(home), JSON.stringify({ ...known, kvm: { ...known.kvm, ...good } }));
}

/** Which files of saved machines there are, by inode. */
function saved(home: Home): readonly string[] {
  const root = join(home.path, "cache", "templates");
  const folders = readdirSync(root).filter((name) => !name.endsWith(".lock"));
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name} ${statSync(join(root, folder, name)).ino}`),
  );
}

test("[kvm-lost] the run goes on under emulation from what is saved, one line says so, and the next run needs none", async ({
  skip,
}) => {
  await using home = openHome({ settings: { pool_size: 0 } });
  if (verdicts(home).kvm.usable) skip("this host has a KVM that works");
  const before = saved(home);
  pretendKvm(home);
  const first = await home.run(["echo", "works"]);
  expect([first.code, first.stdout.toString()]).toEqual([0, "works\n"]);
  const notices = first.stderr.split("\n").filter((line) => line.startsWith("pyro: KVM "));
  expect(notices).toEqual([
    expect.stringMatching(/^pyro: KVM no longer works \(.+\); going on with software emulation, which is slower$/u),
  ]);
  expect(first.stderr).not.toContain("ECONNRESET");
  const second = await home.pyro(["run", "debian:12", "--json", "--", "true"]);
  expect(JSON.parse(second.stdout.toString())).toMatchObject({ accelerator: "tcg", exit_code: 0 });
  expect(second.stderr).toBe("");
  expect([saved(home), verdicts(home).kvm.usable]).toEqual([before, false]);
  const status = await home.pyro(["daemon", "status", "--json"]);
  expect(JSON.parse(status.stdout.toString())).toMatchObject({ accelerator: "tcg" });
});

test("[kvm-lost] [engine-forced] KVM that was asked for by name is refused with its reason and what measures it again", async ({
  skip,
}) => {
  await using home = openHome({ settings: { pool_size: 0, accelerator: "kvm" } });
  if (verdicts(home).kvm.usable) skip("this host has a KVM that works");
  pretendKvm(home);
  const { code, stderr } = await home.run(["true"]);
  expect(code).toBe(69);
  expect(stderr).toMatch(/^pyro: KVM is wanted, but of no use here: /mu);
  expect(stderr).toContain("pyro doctor --fix");
});
