// Proves what is seen of the host that a verdict or a saved machine depends on: the firmware that QEMU finds, the processor.

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findFirmware } from "../../../src/engine/qemu/firmware.js";
import { cpuFeatures } from "../../../src/engine/qemu/verdict-host.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pyro-host-"));
});
afterEach(() => rm(folder, { recursive: true }));

const signal = new AbortController().signal;

test("the firmware is the first that QEMU's own data folders have, and missing when none has one", async () => {
  const [qemu, first, second, third] = ["qemu", "first", "second", "third"].map((name) => join(folder, name));
  if (qemu === undefined || second === undefined || third === undefined) throw new Error("no paths");
  const says = `#!/bin/sh\n[ "$*" = "-L help" ] && printf '%s\\n' '${first}' '${second}' '${third}'\n`;
  await writeFile(qemu, says, { mode: 0o755 });
  for (const each of [second, third]) await mkdir(each);
  expect(await findFirmware(qemu, signal)).toBeUndefined();
  for (const each of [second, third]) await writeFile(join(each, "qboot.rom"), each);
  const sha256 = createHash("sha256").update(second).digest("hex");
  expect(await findFirmware(qemu, signal)).toEqual({ path: join(second, "qboot.rom"), sha256 });
});

const cpuinfo = (flags: string, microcode: string, other = "flags\t\t: other\n") =>
  `processor\t: 0\nmicrocode\t: ${microcode}\nflags\t\t: ${flags}\nbugs\t\t: spectre_v2\n\nprocessor\t: 1\n${other}`;

test("a flag, the microcode or a mitigation more or less is another processor to a saved machine", () => {
  const mitigations = { spectre_v2: "Mitigation: Retpolines; IBPB: conditional\n" };
  const before = cpuFeatures(cpuinfo("fpu svm", "0x1"), mitigations);
  const others = [
    cpuFeatures(cpuinfo("fpu", "0x1"), mitigations),
    cpuFeatures(cpuinfo("fpu svm", "0x2"), mitigations),
    cpuFeatures(cpuinfo("fpu svm", "0x1"), { spectre_v2: "Vulnerable\n" }),
    cpuFeatures(cpuinfo("fpu svm", "0x1"), {}),
    cpuFeatures("", {}),
  ];
  expect(new Set([before, ...others]).size).toBe(6);
});

test("what follows the load of the host, such as whether a machine runs, is none", () => {
  const text = cpuinfo("fpu vmx", "0x1");
  const idle = {
    itlb_multihit: "KVM: Mitigation: VMX disabled\n",
    mds: "Mitigation: Clear CPU buffers; SMT vulnerable\n",
  };
  const busy = {
    mds: "Mitigation: Clear CPU buffers; SMT disabled\n",
    itlb_multihit: "KVM: Mitigation: Split huge pages\n",
  };
  expect(cpuFeatures(text, idle)).toBe(cpuFeatures(cpuinfo("fpu vmx", "0x1", "flags\t\t: fpu\n"), busy));
});
