// Proves what each check concludes from what it sees, on facts that this test makes up.

import { createHash } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { judgeDaemon } from "../../../src/doctor/daemon.js";
import { judgeHugePages, judgeKvm } from "../../../src/doctor/engine.js";
import { judgeEnvironments } from "../../../src/doctor/environments.js";
import { judgePlatform } from "../../../src/doctor/platform.js";
import { gitCheck, judgeGit } from "../../../src/doctor/git.js";
import { judgePrograms } from "../../../src/doctor/programs.js";
import type { Subject } from "../../../src/doctor/subject.js";
import { judgeDisks } from "../../../src/doctor/room.js";
import { judgeRuntime } from "../../../src/doctor/runtime.js";
import type { KvmMeasurement } from "../../../src/engine/qemu/verdict-file.js";
import type { EnvironmentState } from "../../../src/environment/environment.js";

const signal = new AbortController().signal;

test("platform: Linux on x86_64 with a Node that is new enough", () => {
  const good = {
    system: "linux",
    architecture: "x64",
    kernelRelease: "6.1.0",
    nodeVersion: "20.19.0",
    distribution: "Debian",
  };
  const severity = (changed: Partial<typeof good>) => judgePlatform({ ...good, ...changed }).severity;
  expect([severity({}), severity({ nodeVersion: "24.0.0" }), severity({ nodeVersion: "20.18.9" })]).toEqual([
    ...["ok", "ok", "error"],
  ]);
  expect([severity({ system: "darwin" }), severity({ architecture: "arm64" })]).toEqual(["error", "error"]);
});

const kvm: KvmMeasurement = {
  ...{ key: "k", boot_id: "b", usable: true, cause: "none", reason: "", fix: "" },
  ...{ loop_us: 28, boot_ms: 410, checked_at: "2026-11-20T10:00:00.000Z" },
};

test("KVM: proved is ok; what a person can change is a warning with its fix; what the host is, only information", () => {
  expect(judgeKvm(kvm)).toEqual({
    severity: "ok",
    text: "Fast: its loop took 0.03 ms, booted our kernel in 410 ms (measured 11-20 10:00 UTC).",
  });
  const refused = { usable: false, boot_ms: null, reason: "the user ada may not open /dev/kvm" };
  const fix = "sudo usermod -aG kvm ada";
  expect(judgeKvm({ ...kvm, ...refused, cause: "no_permission", fix })).toMatchObject({ severity: "warning", fix });
  const slow = judgeKvm({ ...kvm, ...refused, cause: "too_slow", reason: "this host only imitates KVM" });
  expect([slow.severity, slow.fix]).toEqual(["info", undefined]);
  expect(slow.text).toMatch(
    /^Not used: this host only imitates KVM \(measured .*\)\. Machines run under software emul/u,
  );
});

test("huge pages: a hint only where the probe itself was slow, with what is true for that kernel and setting", () => {
  const slow = { kernelRelease: "6.1.0-41-amd64", setting: "Y", createMs: 120 };
  const judge = (changed: Partial<typeof slow>) => judgeHugePages({ ...slow, ...changed });
  expect(judge({})).toEqual({
    severity: "info",
    text: expect.stringMatching(/^Making a machine takes 120 ms, .* takes the mitigation away: only where all guests/u),
    fix: expect.stringMatching(
      /tee \/sys\/.* && grep -qx never \/sys\/.* && echo 'options kvm .*never' \| sudo tee \/etc\/modp/u,
    ),
  });
  expect(judge({ setting: "N", kernelRelease: "6.12.1" })?.text).toContain("The mitigation is off here");
  expect([judge({ createMs: 2 }), judge({ setting: "never" }), judge({ setting: "" })]).toEqual([
    ...[undefined, undefined, undefined],
  ]);
  const unable = ["6.2.0", "6.3.9-x", "6.4.16"].map((kernelRelease) => judge({ kernelRelease }));
  expect(unable.map((each) => each?.fix)).toEqual([undefined, undefined, undefined]);
  expect(unable[1]?.text).toContain("Linux 6.3 has no safe way to do without it");
});

test("programs: one line installs all that is missing, once for each package", () => {
  const found = (version: string | undefined) => [
    { program: "flock", version: "2.38", needed: true } as const,
    { program: "setpriv", version, needed: false } as const,
    { program: "unshare", version, needed: false } as const,
  ];
  expect(judgePrograms(found("2.38")).severity).toBe("ok");
  expect(judgePrograms(found(undefined))).toMatchObject({
    severity: "warning",
    fix: "sudo apt-get install util-linux",
  });
  const lost = [{ program: "mkfs.ext4", version: undefined, needed: true } as const];
  expect(judgePrograms(lost)).toEqual({
    severity: "error",
    text: "Not installed: mkfs.ext4; without it no machine can start. Installed: none.",
    fix: "sudo apt-get install e2fsprogs",
  });
});

test("environments: a missing one is only an error where nothing could install it", () => {
  const summary = (name: string, state: EnvironmentState) => ({
    ...{ name, description: "", state, imageBytes: 99 * 1024 ** 2 },
    ...{ imageDigest: undefined, source: undefined, installedAt: undefined },
  });
  const two = (first: EnvironmentState, second: EnvironmentState) => [summary("a", first), summary("b", second)];
  expect(judgeEnvironments(two("installed", "not_installed"), "a", undefined)).toEqual({
    severity: "ok",
    text: "a installed (99 MiB), b not installed.",
  });
  expect(judgeEnvironments(two("not_installed", "installed"), "a", undefined)).toMatchObject({
    ...{ severity: "info", fix: "pyro env pull a" },
  });
  const obstacle = "mirror: user ada has no range; run: sudo usermod ada";
  expect(judgeEnvironments(two("not_installed", "installed"), "a", obstacle)).toEqual({
    severity: "error",
    text: "a is not installed, and cannot be: mirror: user ada has no range. All: a not installed, b installed (99 MiB).",
    fix: "sudo usermod ada",
  });
  expect(judgeEnvironments(two("installed", "broken"), "a", undefined)).toMatchObject({
    ...{ severity: "warning", fix: "pyro env pull b" },
  });
});

test("disks: full where every run writes is an error, little room a warning", () => {
  const mebibyte = 1024 ** 2;
  const disk = (free: number, needed: boolean) => ({
    ...{ purposes: [needed ? "state" : "environments"], path: "/p", freeBytes: free * mebibyte, needed },
  });
  const severity = (...disks: ReturnType<typeof disk>[]) => judgeDisks(disks).severity;
  expect([severity(disk(15, true)), severity(disk(16, true)), severity(disk(0, false), disk(9000, true))]).toEqual([
    ...["error", "warning", "warning"],
  ]);
  expect(judgeDisks([disk(299, true)]).text).toContain("each run boots one");
  expect(judgeDisks([disk(77_000, true)])).toEqual({ severity: "ok", text: "75.2 GiB free for state (/p)." });
});

test("daemon: one of another build, or of another accelerator, is named with what to do", () => {
  const state = { pid: 7, version: "0.1.0", startedInMs: null, ours: true, engine: "qemu", accelerator: "tcg" };
  const wanted = (accelerator: string) => ({ name: "qemu", accelerator });
  expect(judgeDaemon(state, wanted("tcg"))).toEqual({ severity: "ok", text: "It runs: pid 7, version 0.1.0." });
  expect(judgeDaemon({ ...state, startedInMs: 230 }, undefined).text).toMatch(/^None ran; one started in 230 ms/u);
  expect(judgeDaemon(state, wanted("kvm"))).toEqual({
    severity: "warning",
    text: "It runs (pid 7) and uses qemu with tcg, though this host would now get qemu with kvm.",
    fix: "pyro daemon stop; the next command starts it again",
  });
  expect(judgeDaemon({ ...state, engine: "none", accelerator: "none" }, wanted("tcg")).text).toContain("no engine");
  expect(judgeDaemon({ ...state, ours: false }, wanted("tcg"))).toMatchObject({
    severity: "info",
    fix: "pyro daemon stop",
  });
});

test("runtime: kernel and initramfs must be what the manifest says, the agent should be", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pyro-runtime-"));
  try {
    const path = (name: string) => join(folder, name);
    const digest = (text: string) => ({ sha256: createHash("sha256").update(text).digest("hex"), size: text.length });
    const manifest = {
      ...{ kernel_package: "linux-image", kernel_version: "6.1", agent_sha256: digest("agent").sha256 },
      files: { vmlinux: digest("kernel"), "initramfs.img": digest("initramfs") },
    };
    const installation = {
      ...{ kernelPath: path("vmlinux"), initramfsPath: path("initramfs.img"), agentPath: path("agent") },
      fingerprint: JSON.stringify(manifest),
    };
    const judge = () => judgeRuntime(installation, signal);
    await writeFile(path("vmlinux"), "kernel");
    await writeFile(path("initramfs.img"), "initramfs");
    await writeFile(path("agent"), "agent", { mode: 0o755 });
    expect(await judge()).toEqual({ severity: "ok", text: "linux-image 6.1, 0 MiB; all digests match." });
    await writeFile(path("agent"), "newer");
    expect((await judge()).severity).toBe("warning");
    await chmod(path("agent"), 0o644);
    expect(await judge()).toMatchObject({ severity: "error", text: `${path("agent")} is missing or not executable.` });
    await writeFile(path("vmlinux"), "kerneL");
    await rm(path("initramfs.img"));
    expect((await judge()).text).toBe(
      `${path("vmlinux")} is not what its manifest says; ${path("initramfs.img")} is missing.`,
    );
    expect((await judgeRuntime({ ...installation, fingerprint: "{" }, signal)).severity).toBe("error");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("git: the one that is run is named with its version and why; a git that is not to be used says how to go on", async () => {
  const program = "/usr/bin/git";
  expect(judgeGit({ program, version: "2.39.5", isNamed: false })).toEqual({
    severity: "ok",
    text: "git 2.39.5 (/usr/bin/git): the newest of the system's folders and of PATH.",
  });
  expect(judgeGit({ program, version: "2.39.5", isNamed: true }).text).toBe(
    "git 2.39.5 (/usr/bin/git): PYRO_GIT names it.",
  );
  const subject = { hostGit: { path: "", program: "bin/git" } } as Subject;
  const task = { signal: new AbortController().signal, progress: () => undefined };
  expect(await gitCheck.run(subject, task)).toMatchObject({
    severity: "warning",
    text: expect.stringContaining('PYRO_GIT: "bin/git" is no absolute path.') as string,
  });
});
