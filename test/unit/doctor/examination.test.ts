// Proves that an examination ends with findings whatever happens, repairs only what it said it would, and reads well.

import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PyroError } from "../../../src/base/error.js";
import { asSaid } from "../../../src/base/say.js";
import type { Paths } from "../../../src/base/paths.js";
import { runCheck, type Check } from "../../../src/doctor/check.js";
import { openDoctor, type Examination, type ExaminationRequest } from "../../../src/doctor/doctor.js";
import type { Diagnosis, FindingCode } from "../../../src/doctor/finding.js";
import type { Subject } from "../../../src/doctor/subject.js";
import { unusableEngine } from "../../../src/engine/unusable.js";
import { openEnvironmentStore } from "../../../src/environment/store.js";
import { doctorOperation } from "../../../src/operations/doctor.js";
import { spellForTerminal } from "../../../src/surface/cli/speaker.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pyro-doctor-"));
});
afterEach(() => rm(home, { recursive: true }));

/** Milliseconds for tests that look at the real host several times. */
const timeout = 30_000;

const brokenTemplate = `${"0".repeat(32)}.${"0".repeat(16)}`;
const lost = new PyroError("unavailable", "Nothing of the kind here.", { hint: "Get one." });
const task = { signal: new AbortController().signal, progress: () => undefined };
const request: ExaminationRequest = {
  ...{ environment: "debian:12", wantsStart: false, fix: false },
  shape: { vcpuCount: 1, memMib: 1024 },
};

/** A host without anything, but with folders. */
async function bareSubject(more: Partial<Subject> = {}): Promise<Subject> {
  const under = (name: string) => join(home, name);
  const paths: Paths = {
    ...{ home, state: under("state"), cache: under("cache"), environments: under("environments") },
    ...{ sockets: under("run"), settings: under("settings.json") },
  };
  for (const folder of [paths.state, paths.cache, paths.sockets]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const refuse = () => Promise.reject(lost);
  const host = {
    ...{ kernelRelease: "6.1.0", cpuModel: "cpu", cpuFeatures: "flags", bootId: "b" },
    ...({ qemu: undefined, firmware: undefined, kvmDevice: "absent" } as const),
  };
  return {
    ...{ paths, environment: request.environment, wantsStart: false, shape: request.shape },
    environments: openEnvironmentStore({ root: paths.environments, sources: [] }),
    hostGit: { path: "" },
    daemon: { look: refuse, removeStaleRecord: () => Promise.resolve(true) },
    ...{ prepare: () => Promise.resolve(), installation: refuse, engine: refuse, proveTcg: refuse },
    verdict: () => Promise.resolve({ host, qemu: undefined }),
    settings: () => Promise.resolve({ engine: "auto", pool_size: 1, pool_idle_minutes: 10 } as never),
    wanted: () => Promise.resolve({ engine: "auto", accelerator: "auto", by: "" }),
    spell: spellForTerminal,
    ...more,
  };
}

const finding = (examination: Examination, code: FindingCode) =>
  examination.findings.find((each) => each.code === code);

const check = (run: Check["run"], more: Partial<Check> = {}): Check => ({
  code: "disk",
  essential: true,
  run,
  ...more,
});

test("a check that fails is a finding: an error where a run needs it, else a warning", async () => {
  const subject = await bareSubject();
  const failing = check(() => Promise.reject(lost));
  const title = "Disk";
  expect(await runCheck(failing, subject, task)).toMatchObject({
    finding: {
      code: "disk",
      title,
      severity: "error",
      text: "This could not be checked: Nothing of the kind here.",
      fix: "Get one.",
    },
  });
  const odd = check(() => Promise.reject(new TypeError("undefined is no function")), { essential: false });
  expect(await runCheck(odd, subject, task)).toMatchObject({ finding: { severity: "warning", fix: null } });
});

test("a check that hangs is a finding after its time, and its signal is aborted", async () => {
  let told: AbortSignal | undefined;
  const hanging = check(
    (_subject, { signal }) => {
      told = signal;
      return new Promise<Diagnosis>(() => undefined);
    },
    { timeoutMs: 30 },
  );
  const checked = await runCheck(hanging, await bareSubject(), task);
  expect(checked?.finding.text).toBe("This could not be checked within 0.03 s.");
  expect(told?.aborted).toBe(true);
});

test("only the caller's own abort ends it early", async () => {
  const failing = check(() => Promise.reject(lost));
  const signal = AbortSignal.abort(new PyroError("canceled", "enough"));
  await expect(runCheck(failing, await bareSubject(), { ...task, signal })).rejects.toThrow("enough");
});

test("a bare host gets a finding for everything, and a verdict that a run would not work", { timeout }, async () => {
  const subject = await bareSubject();
  const examination = await openDoctor(() => Promise.resolve(subject)).examine(request, task);
  expect(examination).toMatchObject({ ok: false, fixed: [], start: null });
  expect(finding(examination, "engine")).toEqual({
    ...{ code: "engine", title: "Engine", severity: "error", text: "Nothing of the kind here.", fix: "Get one." },
  });
  expect(finding(examination, "kvm")?.severity).toBe("info");
  expect(finding(examination, "tcg")?.severity).toBe("info");
  expect(finding(examination, "runtime")?.severity).toBe("error");
  expect(finding(examination, "environments")?.severity).toBe("error");
  expect(finding(examination, "daemon")).toMatchObject({ severity: "error", text: "Nothing of the kind here." });
  expect(examination.findings.map(({ code }) => code)).not.toContain("huge_pages");
});

test("an environment that does not exist is an error of the call", async () => {
  const doctor = openDoctor(() => bareSubject());
  await expect(doctor.examine({ ...request, environment: "debian:99" }, task)).rejects.toMatchObject({
    code: "not_found",
  });
});

test(
  "without --fix nothing is changed; with it folders are closed, broken templates and stale records go",
  { timeout },
  async () => {
    const subject = await bareSubject();
    const template = join(home, "cache", "templates", brokenTemplate);
    await mkdir(template, { recursive: true });
    await writeFile(join(template, "template.json"), "{");
    await chmod(join(home, "state"), 0o755);
    const asked: boolean[] = [];
    const doctor = openDoctor(({ fix }) => {
      asked.push(fix);
      return Promise.resolve(subject);
    });
    const before = await doctor.examine(request, task);
    expect(finding(before, "folders")).toMatchObject({ severity: "warning", fix: `chmod 700 ${join(home, "state")}` });
    expect(finding(before, "templates")).toMatchObject({ severity: "warning" });
    expect((await stat(join(home, "state"))).mode & 0o777).toBe(0o755);
    const after = await doctor.examine({ ...request, fix: true }, task);
    expect(after.fixed).toEqual([
      `Made private: ${join(home, "state")}.`,
      "Removed 1 saved machine that cannot be used.",
      "Removed the record of a daemon that is gone.",
    ]);
    expect([finding(after, "folders")?.severity, finding(after, "templates")?.severity]).toEqual(["ok", "ok"]);
    expect((await stat(join(home, "state"))).mode & 0o777).toBe(0o700);
    await expect(stat(template)).rejects.toThrow("ENOENT");
    // Measured anew for the fix, and not a second time to look at its effect.
    expect(asked).toEqual([false, true, false]);
  },
);

test("a repair that fails is said, and the others are still made", { timeout }, async () => {
  const daemon = { look: () => Promise.reject(lost), removeStaleRecord: () => Promise.reject(lost) };
  const subject = await bareSubject({ daemon });
  await mkdir(join(home, "cache", "templates", brokenTemplate), { recursive: true });
  const { fixed } = await openDoctor(() => Promise.resolve(subject)).examine({ ...request, fix: true }, task);
  expect(fixed).toEqual(["Removed 1 saved machine that cannot be used.", "Daemon: Nothing of the kind here."]);
});

test("start: cold without an installed environment", { timeout }, async () => {
  const subject = await bareSubject({ wantsStart: true, engine: () => Promise.resolve(unusableEngine(lost)) });
  const examination = await openDoctor(() => Promise.resolve(subject)).examine({ ...request, wantsStart: true }, task);
  expect(examination.start).toBe("cold");
  expect(finding(examination, "start")?.text).toMatch(/^cold: debian:12 is not installed/u);
});

test("it reads as a list with a verdict in the last line, and exits as it says", () => {
  const result = {
    ...{ ok: true, fixed: [], start: null },
    findings: [
      { code: "disk", title: "Disk", severity: "ok", text: "75.3 GiB free.", fix: null } as const,
      {
        code: "kvm",
        title: "KVM",
        severity: "warning",
        text: `Not used: ${"because ".repeat(12)}so.`,
        fix: "sudo do it",
      } as const,
    ],
  };
  expect(doctorOperation.text?.(result)).toBe(
    [
      "ok      Disk                75.3 GiB free.",
      "warning KVM                 Not used: because because because because because because because because because",
      "                            because because because so.",
      "                            fix: sudo do it",
      "",
      "pyro run would work.",
    ].join("\n"),
  );
  const failed = { code: "memory", title: "Memory", severity: "error", text: "Too little.", fix: null } as const;
  const bad = { ...result, ok: false, fixed: ["Done."], findings: [failed, { ...failed, text: "More." }] };
  expect(asSaid(doctorOperation.text?.(bad) ?? "").plain.split("\n")).toEqual([
    ...["fixed: Done.", "ERROR   Memory              Too little.", "ERROR   Memory              More.", ""],
    "pyro run would not work: Memory: Too little. (and 1 more)",
  ]);
  expect([doctorOperation.cli?.exitCode?.(result), doctorOperation.cli?.exitCode?.(bad)]).toEqual([0, 69]);
});
