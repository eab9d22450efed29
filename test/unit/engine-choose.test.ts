// Proves which engine a host gets, that lack of one is a reason and no crash, and what makes a saved machine no longer fit.

import { expect, test } from "vitest";
import { PyroError } from "../../src/base/error.js";
import { chooseEngine, engineChoice, openEngine } from "../../src/engine/choose.js";
import { engineFingerprint, fingerprintChanges, type FingerprintFacts } from "../../src/engine/fingerprint.js";
import { unusableEngine } from "../../src/engine/unusable.js";
import type { HostVerdict } from "../../src/engine/verdict.js";

const reason = new PyroError("unavailable", "for the test");
const program = { path: "/q", size: 1, mtimeMs: 1, version: "7.2" };
const firmware = { path: "/qboot.rom", sha256: "0123456789abcdef" };
const host = {
  ...{ kernelRelease: "6.1.0", cpuModel: "cpu", cpuFeatures: "flags", bootId: "b" },
  ...({ qemu: program, firmware, kvmDevice: "open" } as const),
};

function verdict(kvmUsable: boolean, fix = ""): HostVerdict {
  const kvm = { key: "k", boot_id: "b", loop_us: 20_000, boot_ms: null, checked_at: "2026-11-20T10:00:00Z" };
  const found = { usable: kvmUsable, cause: kvmUsable ? "none" : "too_slow", reason: "an imitation", fix } as const;
  const engine = (accelerator: string) => ({ ...unusableEngine(reason), accelerator });
  return {
    host,
    qemu: {
      program,
      engines: { kvm: engine("kvm"), tcg: engine("tcg") },
      kvm: { ...kvm, ...found },
      kvmSpeed: undefined,
    },
  };
}

const failure = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return error instanceof PyroError ? error.toBody() : error;
  }
  return undefined;
};

test("KVM where it has proved itself, else emulation; what is forced goes before", () => {
  const get = (usable: boolean, choice: "auto" | "kvm" | "tcg") => chooseEngine(verdict(usable), choice).accelerator;
  expect([get(true, "auto"), get(false, "auto"), get(true, "kvm"), get(true, "tcg"), get(false, "tcg")]).toEqual([
    ...["kvm", "tcg", "kvm", "tcg", "tcg"],
  ]);
  const why = (usable: boolean, choice: "auto" | "tcg") => chooseEngine(verdict(usable), choice).fasterFails;
  expect([why(false, "auto"), why(true, "auto"), why(false, "tcg")]).toEqual(["an imitation", undefined, undefined]);
});

test("what cannot be had is refused with its reason and fix", () => {
  expect(failure(() => chooseEngine(verdict(false, "sudo usermod"), "kvm"))).toEqual({
    code: "unavailable",
    message: "KVM is wanted, but of no use here: an imitation.",
    hint: "sudo usermod. `pyro doctor --fix` measures again. Or set the engine to auto; then run `pyro daemon stop`.",
  });
  expect(failure(() => chooseEngine({ host: { ...host, qemu: undefined }, qemu: undefined }, "auto"))).toEqual({
    code: "unavailable",
    message: "QEMU is not installed, so no virtual machine can start.",
    hint: "Install it: sudo apt-get install qemu-system-x86",
  });
  expect(failure(() => chooseEngine({ host: { ...host, firmware: undefined }, qemu: undefined }, "tcg"))).toEqual({
    code: "unavailable",
    message: "QEMU's firmware qboot.rom is missing, without which no machine starts.",
    hint: expect.stringContaining("sudo apt-get install qemu-system-data"),
  });
  expect(failure(() => chooseEngine(verdict(true), "compat"))).toMatchObject({ code: "unsupported" });
});

test("the variable goes before the setting, and nonsense in it is refused", () => {
  expect([engineChoice(undefined, "tcg"), engineChoice("", "tcg"), engineChoice("kvm", "tcg")]).toEqual([
    ...["tcg", "tcg", "kvm"],
  ]);
  expect(failure(() => engineChoice("xen", "auto"))).toMatchObject({
    code: "invalid_argument",
    message: 'PYRO_ENGINE is "xen", which is no engine.',
  });
});

test("whatever goes wrong, opening gives an engine, which says why it starts nothing", async () => {
  const lost = new PyroError("unavailable", "The guest kernel and agent are missing.", { hint: "make build" });
  const options = {
    ...({ cache: "/nonexistent", setting: "auto", proveBoot: () => Promise.reject(reason) } as const),
    inspect: () => Promise.resolve(host),
  };
  const signal = new AbortController().signal;
  const engine = await openEngine({ ...options, files: () => Promise.reject(lost), variable: undefined }, signal);
  expect([engine.accelerator, engine.can.size, engine.unusable]).toEqual(["none", 0, lost]);
  await expect(engine.start({} as never, signal)).rejects.toBe(lost);
  const wrong = await openEngine({ ...options, files: () => Promise.reject(lost), variable: "xen" }, signal);
  expect(wrong.unusable?.code).toBe("invalid_argument");
  const late = await openEngine(
    { ...options, files: () => Promise.reject(lost), variable: undefined },
    AbortSignal.abort(),
  );
  expect(late.unusable?.message).toBe("Measuring what this host can do took too long.");
});

test("a sandbox may stand in where QEMU or its firmware is missing or compat is set, and for no engine that is asked for by name", async () => {
  const files = { agentPath: "/a", kernelPath: "/k", initramfsPath: "/i", fingerprint: "manifest" };
  const openOn = (lacking: { readonly qemu?: undefined; readonly firmware: undefined }, variable?: string) =>
    openEngine(
      {
        ...({ cache: "/nonexistent", setting: "auto", proveBoot: () => Promise.reject(reason), variable } as const),
        ...{ inspect: () => Promise.resolve({ ...host, ...lacking }), files: () => Promise.resolve(files) },
      },
      new AbortController().signal,
    );
  const without = await openOn({ firmware: undefined });
  expect([without.unusable?.message, without.sandboxMayStandIn]).toEqual([expect.stringContaining("qboot.rom"), true]);
  const open = (variable?: string) => openOn({ qemu: undefined, firmware: undefined }, variable);
  const engines = await Promise.all([undefined, "compat", "tcg", "kvm", "xen"].map(open));
  expect(engines.map((engine) => [engine.unusable?.code, engine.sandboxMayStandIn])).toEqual([
    ...[
      ["unavailable", true],
      ["unsupported", true],
      ["unavailable", false],
      ["unavailable", false],
    ],
    ["invalid_argument", false],
  ]);
});

const facts: FingerprintFacts = {
  ...{ accelerator: "tcg", qemu: program, firmware, cpuModel: "cpu", cpuFeatures: "flags: fpu" },
  ...{ kernelRelease: "6.1.0", tscKhz: 2_300_000, runtime: "manifest" },
};

test.for<[string, Partial<FingerprintFacts>]>([
  ["the QEMU build", { qemu: { ...program, size: 2 } }],
  ["the QEMU build", { qemu: { ...program, mtimeMs: 2 } }],
  ["the QEMU build", { qemu: { ...program, path: "/other" } }],
  ["the QEMU build", { qemu: { ...program, version: "8" } }],
  ["the machine's firmware", { firmware: { path: "/qboot.rom", sha256: "another" } }],
  ["the processor model", { cpuModel: "other" }],
  ["the processor's clock rate", { tscKhz: 2_400_000 }],
  ["the guest kernel or agent", { runtime: "other" }],
])("a machine saved before a change of %s is not restored", ([word, changed]) => {
  const [before, now] = [engineFingerprint(facts), engineFingerprint({ ...facts, ...changed })];
  expect(fingerprintChanges(before, now)).toEqual([word]);
});

test.for<[string, Partial<FingerprintFacts>]>([
  ["the processor's flags, microcode or mitigations", { cpuFeatures: "flags:" }],
  ["the host's kernel", { kernelRelease: "6.1.1" }],
])("a change of %s is one only under KVM, which hands the processor through", ([word, changed]) => {
  const changes = (accelerator: "kvm" | "tcg") =>
    fingerprintChanges(
      engineFingerprint({ ...facts, accelerator }),
      engineFingerprint({ ...facts, accelerator, ...changed }),
    );
  expect([changes("kvm"), changes("tcg")]).toEqual([[word], []]);
});

test("another accelerator is another engine, with other settings; the same facts are the same", () => {
  const kvm = engineFingerprint({ ...facts, accelerator: "kvm" });
  expect(fingerprintChanges(engineFingerprint(facts), kvm)).toEqual([
    ...["the accelerator", "pyro's own machine settings"],
    ...["the processor's flags, microcode or mitigations", "the host's kernel"],
  ]);
  expect(engineFingerprint({ ...facts })).toBe(engineFingerprint(facts));
  expect(fingerprintChanges(kvm, kvm)).toEqual([]);
  expect(fingerprintChanges("garbled", kvm)).toHaveLength(9);
  expect(fingerprintChanges("garbled", "otherwise")).toEqual(["the engine"]);
});
