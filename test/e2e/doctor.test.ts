// Proves that doctor's verdict is what a run then does, that it says how a run would start, and repairs what it said it would.

import { chmodSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHome, sharedHome, type Home } from "./home.js";

interface Report {
  readonly ok: boolean;
  readonly start: string | null;
  readonly fixed: readonly string[];
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly text: string }[];
}

const noPool = { settings: { pool_size: 0 } };

test("[doctor-proves] where a run works doctor boots a machine, says so, and exits 0; the proof is kept", async () => {
  await using home = openHome({ ...noPool, cold: true });
  const first = await doctor(home, []);
  expect([first.code, first.report.ok]).toEqual([0, true]);
  expect(first.stderr).toContain("Booting a machine under software emulation");
  expect(textOf(first.report, "tcg")).toMatch(/^Works: it booted our kernel in /u);
  expect(home.machines()).toEqual([]);
  const second = await doctor(home, []);
  expect(second.stderr).toBe("");
  expect(textOf(second.report, "tcg")).toBe(textOf(first.report, "tcg"));
  // KVM's probe runs each time, in case it has gone: the same finding, with numbers of its own.
  const wordsOf = (report: Report) => textOf(report, "kvm").replaceAll(/\d[\d.:-]*/gu, "#");
  expect(wordsOf(second.report)).toBe(wordsOf(first.report));
  expect((await home.run(["true"])).code).toBe(0);
});

test("[doctor-proves] a person reads a list that ends with the verdict", async () => {
  const { code, stdout } = await sharedHome().pyro(["doctor"]);
  expect(code).toBe(0);
  expect(stdout.toString()).toMatch(/^ok {6}Platform {12}\S.*, Linux .*\n/u);
  expect(stdout.toString()).toMatch(/\n\npyro run would work\.\n$/u);
});

test("[doctor-proves] [settings-refused] where a run fails doctor exits 69 and names the cause", async () => {
  await using home = openHome({ settings: { engine: "warp" } });
  const { code, report } = await doctor(home, []);
  expect([code, report.ok]).toEqual([69, false]);
  expect(report.findings.filter(({ severity }) => severity === "error").map((each) => each.code)).toEqual(["settings"]);
  expect(textOf(report, "settings")).toContain("engine: ");
  expect((await home.run(["true"])).code).toBe(125);
});

test("[doctor-proves] measurements that cannot be read are made again", async () => {
  await using home = openHome(noPool);
  replace(join(home.path, "cache", "host.json"), '{"format":1,"tsc":"fast"}');
  expect((await doctor(home, [])).code).toBe(0);
  const kept = JSON.parse(readFileSync(join(home.path, "cache", "host.json"), "utf8")) as object;
  expect(Object.values(kept)).not.toContain(null);
});

test("[doctor-start] an environment starts cold until it is prepared, and is stale once the host has changed", async () => {
  await using home = openHome({ ...noPool, cold: true });
  const start = async () => (await doctor(home, ["--environment", "debian:12"])).report;
  expect((await start()).start).toBe("cold");
  expect((await home.run(["true"])).code).toBe(0);
  const saved = await start();
  expect([saved.start, textOf(saved, "start")]).toEqual(["cold", expect.stringContaining("a run has saved a machine")]);
  expect((await home.pyro(["prepare"])).code).toBe(0);
  expect((await start()).start).toBe("warm");
  const path = join(home.path, "cache", "host.json");
  const kept = JSON.parse(readFileSync(path, "utf8")) as { tsc: { khz: number } };
  replace(path, JSON.stringify({ ...kept, tsc: { ...kept.tsc, khz: kept.tsc.khz + 10_000 } }));
  const stale = await start();
  expect(stale.start).toBe("stale");
  expect(textOf(stale, "start")).toContain("the processor's clock rate changed");
});

test("[doctor-fixes] --fix does what the findings said, says what it did, and nothing is done without it", async () => {
  await using home = openHome(noPool);
  const templates = join(home.path, "cache", "templates");
  const [key = ""] = templateKeys(home);
  replace(join(templates, key, "template.json"), "{");
  chmodSync(join(home.path, "cache"), 0o755);
  const before = await doctor(home, []);
  const codes = (report: Report) =>
    report.findings.filter((each) => each.severity === "warning").map((each) => each.code);
  expect(codes(before.report)).toEqual(expect.arrayContaining(["templates", "folders"]));
  expect(before.report.fixed).toEqual([]);
  expect(templateKeys(home)).toEqual([key]);
  // The daemon that doctor started has closed the folder by itself.
  chmodSync(join(home.path, "cache"), 0o755);
  const after = await doctor(home, ["--fix"]);
  expect(after.code).toBe(0);
  expect(after.report.fixed).toEqual([
    `Made private: ${join(home.path, "cache")}.`,
    "Removed 1 saved machine that cannot be used.",
  ]);
  expect(codes(after.report)).not.toContain("templates");
  expect(templateKeys(home)).toEqual([]);
  expect(statSync(join(home.path, "cache")).mode & 0o777).toBe(0o700);
});

test("[engine-forced] an engine that is asked for and cannot be had fails closed; everything else works", async ({
  skip,
}) => {
  await using home = openHome(noPool);
  const { report } = await doctor(home, []);
  if (report.findings.some(({ code, severity }) => code === "kvm" && severity === "ok")) skip("KVM works on this host");
  await home.pyro(["daemon", "stop"]);
  const forced = await home.run(["true"], { env: { PYRO_ACCELERATOR: "kvm" } });
  expect(forced.code).toBe(69);
  expect(forced.stderr).toMatch(/^pyro: KVM is wanted, but of no use here: /u);
  expect((await home.pyro(["env", "list"], { env: { PYRO_ACCELERATOR: "kvm" } })).code).toBe(0);
});

/** The caches of all homes share their files. */
function replace(path: string, content: string): void {
  rmSync(path);
  writeFileSync(path, content, { mode: 0o600 });
}

async function doctor(home: Home, args: readonly string[]) {
  const { code, stdout, stderr } = await home.pyro(["doctor", "--json", ...args]);
  return { code, stderr, report: JSON.parse(stdout.toString()) as Report };
}

function textOf(report: Report, code: string): string {
  return report.findings.find((each) => each.code === code)?.text ?? `no finding ${code}`;
}

function templateKeys(home: Home): string[] {
  return readdirSync(join(home.path, "cache", "templates")).filter((name) =>
    /^[0-9a-f]{32}\.[0-9a-f]{16}$/u.test(name),
  );
}
