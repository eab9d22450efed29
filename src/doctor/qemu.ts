// Owns the check that this host's QEMU has the kind of machine that pyro starts. Never starts one.
import { access, constants } from "node:fs/promises";
import { lookUpProgram, systemPath } from "../base/host-program.js";
import { runProgram } from "../base/spawn.js";
import type { Check } from "./check.js";
import type { Diagnosis } from "./finding.js";

/** Where RHEL and its rebuilds have theirs, which knows no microvm. */
const rhelPath = "/usr/libexec/qemu-kvm";

export const qemuCheck: Check = {
  code: "qemu",
  essential: true,
  run: async (_subject, { signal }) => {
    const path = await lookUpProgram("qemu-system-x86_64");
    // That there is none at all is the engine's finding.
    if (path === undefined) return (await isThere(rhelPath)) ? judgeQemu(rhelPath, undefined) : undefined;
    const env = { PATH: systemPath, LC_ALL: "C" };
    const { stdout } = await runProgram(path, ["-machine", "help"], { signal, env, timeoutMs: 10_000 });
    return judgeQemu(path, stdout);
  },
};

/** `machines` is what it prints for `-machine help`; undefined for RHEL's, which pyro does not call. */
export function judgeQemu(path: string, machines: string | undefined): Diagnosis {
  if (machines !== undefined && /^microvm\s/mu.test(machines)) {
    return { severity: "ok", text: `${path} has the machine type microvm.` };
  }
  const whose = machines === undefined ? "RHEL's QEMU" : "this QEMU";
  return {
    severity: "error",
    text: `${path}: ${whose} is built without the machine type microvm, the only one that pyro starts.`,
    fix: "Install a QEMU with microvm, as Debian, Ubuntu, Fedora, Arch and openSUSE package it; QEMU's own sources build it as qemu-system-x86_64 into /usr/local/bin",
  };
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
