// Proves what doctor says of hosts that are not like the one it was written on, from what they print and are set to.

import { expect, test } from "vitest";
import { parseOsRelease } from "../../../src/base/distribution.js";
import { judgeNamespaces } from "../../../src/doctor/namespaces.js";
import { judgePlatform } from "../../../src/doctor/platform.js";
import { judgePrograms } from "../../../src/doctor/programs.js";
import { judgeQemu } from "../../../src/doctor/qemu.js";
import { judgeMemory } from "../../../src/doctor/room.js";
import { namespaceObstacle, type NamespaceSettings } from "../../../src/environment/user-namespaces.js";

const open: NamespaceSettings = { apparmorRestricts: undefined, unprivilegedClone: 1, maxNamespaces: 95_000 };
const refused = "unshare: write failed /proc/self/uid_map: Operation not permitted";
const persist = (setting: string) => `echo '${setting}' | sudo tee /etc/sysctl.d/60-pyro.conf && sudo sysctl --system`;

test("Ubuntu 24.04's restriction of user namespaces is named, with the line that lifts it", () => {
  const diagnosis = judgeNamespaces(namespaceObstacle({ ...open, apparmorRestricts: 1 }, refused));
  expect(diagnosis).toEqual({
    severity: "warning",
    text: expect.stringMatching(
      /^Environments cannot be built without root: AppArmor keeps .* Ubuntu 24\.04 \(kernel\.app/u,
    ),
    fix: persist("kernel.apparmor_restrict_unprivileged_userns = 0"),
  });
  expect(diagnosis.text).toContain("Virtual machines need none of it");
  expect(namespaceObstacle({ ...open, apparmorRestricts: 0 }, refused).reason).not.toContain("AppArmor");
});

test("each other setting that forbids them has its own line, and where none does the system's words are shown", () => {
  const line = (changed: Partial<NamespaceSettings>, said = refused) =>
    namespaceObstacle({ ...open, ...changed }, said).line;
  expect(line({ unprivilegedClone: 0, apparmorRestricts: 1 })).toBe(persist("kernel.unprivileged_userns_clone = 1"));
  expect(line({ maxNamespaces: 0 })).toBe(persist("user.max_user_namespaces = 10000"));
  expect(namespaceObstacle(open, `first\n${refused}\n`)).toEqual({
    reason: `the system does not let users make user namespaces, as in most containers (${refused})`,
    line: undefined,
  });
  expect(namespaceObstacle(open, "unshare: unrecognized option '--map-auto'\nTry").reason).toContain("older than 2.38");
  expect(judgeNamespaces(undefined).severity).toBe("ok");
});

test("a QEMU without the machine type microvm is told from one with it, RHEL's by its path", () => {
  const list = "Supported machines are:\nmicrovm              microvm (i386)\npc                   Standard PC\n";
  expect(judgeQemu("/usr/bin/qemu-system-x86_64", list)).toEqual({
    severity: "ok",
    text: "/usr/bin/qemu-system-x86_64 has the machine type microvm.",
  });
  const without = list.replace(/^microvm.*\n/mu, "x-remote  no microvm here\n");
  expect(judgeQemu("/usr/bin/qemu-system-x86_64", without)).toMatchObject({
    severity: "error",
    text: expect.stringContaining("built without the machine type microvm"),
  });
  expect(judgeQemu("/usr/libexec/qemu-kvm", undefined)).toMatchObject({
    severity: "error",
    text: expect.stringMatching(/^\/usr\/libexec\/qemu-kvm: RHEL's QEMU is built without/u),
  });
});

test("the platform is named as the distribution names itself; WSL 1 has no kernel, WSL 2 was not tried", () => {
  const host = {
    ...{ system: "linux", architecture: "x64", kernelRelease: "6.12.0", nodeVersion: "20.19.2" },
    distribution: "Debian GNU/Linux 13 (trixie)",
  };
  const judge = (kernelRelease: string) => judgePlatform({ ...host, kernelRelease });
  expect(judge("6.12.0")).toEqual({
    severity: "ok",
    text: "Debian GNU/Linux 13 (trixie), Linux 6.12.0 on x86_64, Node 20.19.2.",
  });
  expect(judge("6.6.87.2-microsoft-standard-WSL2")).toEqual({
    severity: "info",
    text: expect.stringContaining("nestedVirtualization=true below [wsl2] in %USERPROFILE%\\.wslconfig"),
  });
  expect(judge("4.4.0-19041-Microsoft")).toMatchObject({
    severity: "error",
    fix: expect.stringContaining("wsl --set-"),
  });
});

test("vm.overcommit_memory=2 is named where the kernel could not promise a machine's memory, and only there", () => {
  const meminfo = (limit: number, used: number) =>
    `MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\nCommitLimit: ${limit} kB\nCommitted_AS: ${used} kB\n`;
  const judge = (overcommit: string, limit: number) =>
    judgeMemory({ meminfo: meminfo(limit, 1_048_576), overcommit, memMib: 1024, admitted: true });
  expect(judge("0", 1_048_576)).toEqual({
    severity: "ok",
    text: "6.0 GiB of 8.0 GiB available. A machine takes 1024 MiB, and 1 GiB is left to the host.",
  });
  expect(judge("2", 8_388_608).severity).toBe("ok");
  expect(judge("2", 2_097_152)).toMatchObject({
    severity: "warning",
    text: expect.stringContaining("vm.overcommit_memory is 2"),
    fix: expect.stringContaining("vm.overcommit_memory=0"),
  });
  const full = judgeMemory({ meminfo: meminfo(1, 1), overcommit: "2", memMib: 1024, admitted: false });
  expect(full.severity).toBe("error");
});

test("missing programs are asked for in the host's own package names", () => {
  const lost = [{ program: "newuidmap", version: undefined, needed: false } as const];
  const fedora = parseOsRelease('ID=fedora\nPRETTY_NAME="Fedora Linux 42"\n');
  expect(judgePrograms(lost, fedora).fix).toBe("sudo dnf install shadow-utils");
});
