// Proves which engine a host gets, that lack of one is a reason and no crash, and what makes a saved machine no longer fit.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PyroError } from "../../../src/base/error.js";
import { readSettings } from "../../../src/base/settings.js";
import { chooseEngine, openEngine } from "../../../src/engine/choose.js";
import { fingerprintChanges } from "../../../src/engine/fingerprint.js";
import { engineFingerprint, type FingerprintFacts } from "../../../src/engine/qemu/fingerprint.js";
import { unusableEngine } from "../../../src/engine/unusable.js";
import type { HostVerdict } from "../../../src/engine/qemu/verdict.js";
import { wantedEngine, type EngineSettings, type EngineVariables } from "../../../src/engine/wanted.js";
import type { Operation } from "../../../src/operations/operation.js";
import { operations } from "../../../src/operations/table.js";
import { terminalSpeaker } from "../../../src/surface/command-line.js";

const table: readonly Operation[] = operations;
const terminal = terminalSpeaker((name) => table.find((operation) => operation.name === name));

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
    return error instanceof PyroError ? error.spelledBy(terminal).toBody() : error;
  }
  return undefined;
};

test("KVM where it has proved itself, else emulation; what is forced goes before", () => {
  const choose = (usable: boolean, accelerator: "auto" | "kvm" | "tcg") =>
    chooseEngine(verdict(usable), { engine: "auto", accelerator });
  const get = (usable: boolean, accelerator: "auto" | "kvm" | "tcg") => choose(usable, accelerator).accelerator;
  expect([get(true, "auto"), get(false, "auto"), get(true, "kvm"), get(true, "tcg"), get(false, "tcg")]).toEqual([
    ...["kvm", "tcg", "kvm", "tcg", "tcg"],
  ]);
  const why = (usable: boolean, accelerator: "auto" | "tcg") => choose(usable, accelerator).fasterFails;
  expect([why(false, "auto"), why(true, "auto"), why(false, "tcg")]).toEqual(["an imitation", undefined, undefined]);
});

test("what cannot be had is refused with its reason and fix", () => {
  const auto = { engine: "auto", accelerator: "auto" } as const;
  expect(failure(() => chooseEngine(verdict(false, "sudo usermod"), { engine: "qemu", accelerator: "kvm" }))).toEqual({
    code: "unavailable",
    message: "KVM is wanted, but of no use here: an imitation.",
    hint: "sudo usermod. `pyro doctor --fix` measures again. Or set the accelerator to auto; then stop the daemon by `pyro daemon stop`.",
  });
  expect(failure(() => chooseEngine({ host: { ...host, qemu: undefined }, qemu: undefined }, auto))).toEqual({
    code: "unavailable",
    message: "QEMU is not installed, so no virtual machine can start.",
    hint: "Install it: sudo apt-get install qemu-system-x86",
  });
  expect(
    failure(() =>
      chooseEngine({ host: { ...host, firmware: undefined }, qemu: undefined }, { ...auto, accelerator: "tcg" }),
    ),
  ).toEqual({
    code: "unavailable",
    message: "QEMU's firmware qboot.rom is missing, without which no machine starts.",
    hint: expect.stringContaining("sudo apt-get install qemu-system-data"),
  });
  expect(failure(() => chooseEngine(verdict(true), { ...auto, engine: "compat" }))).toMatchObject({
    code: "unsupported",
  });
});

test.for<[EngineSettings, EngineVariables, [string, string, string]]>([
  [{ engine: "auto" }, {}, ["auto", "auto", ""]],
  [{ engine: "auto", accelerator: "auto" }, { PYRO_ENGINE: "", PYRO_ACCELERATOR: "" }, ["auto", "auto", ""]],
  [{ engine: "qemu" }, {}, ["qemu", "auto", 'the setting "engine": "qemu"']],
  [{ engine: "auto", accelerator: "tcg" }, {}, ["auto", "tcg", 'the setting "accelerator": "tcg"']],
  [{ engine: "qemu", accelerator: "tcg" }, { PYRO_ENGINE: "compat" }, ["compat", "tcg", "PYRO_ENGINE=compat and …"]],
  [{ engine: "auto", accelerator: "tcg" }, { PYRO_ACCELERATOR: "kvm" }, ["auto", "kvm", "PYRO_ACCELERATOR=kvm"]],
  [{ engine: "auto", accelerator: "tcg" }, { PYRO_ACCELERATOR: "auto" }, ["auto", "auto", ""]],
])("a variable goes before its setting: %j, %j", ([settings, variables, [engine, accelerator, by]]) => {
  const wanted = wantedEngine(settings, variables);
  expect([wanted.engine, wanted.accelerator]).toEqual([engine, accelerator]);
  expect(wanted.by).toContain(by.replace("…", ""));
});

test.for<[EngineSettings, EngineVariables, [string, string, string]]>([
  [{ engine: "kvm" }, {}, ["qemu", "kvm", 'the setting "engine": "kvm" (today "accelerator": "kvm")']],
  [{ engine: "auto" }, { PYRO_ENGINE: "tcg" }, ["qemu", "tcg", "PYRO_ENGINE=tcg (today PYRO_ACCELERATOR=tcg)"]],
  [{ engine: "kvm" }, { PYRO_ENGINE: "auto" }, ["auto", "auto", ""]],
  [{ engine: "auto", accelerator: "tcg" }, { PYRO_ENGINE: "kvm" }, ["qemu", "kvm", "PYRO_ENGINE=kvm (today …"]],
  [{ engine: "kvm", accelerator: "tcg" }, {}, ["qemu", "tcg", 'the setting "accelerator": "tcg"']],
  [{ engine: "auto" }, { PYRO_ENGINE: "kvm", PYRO_ACCELERATOR: "tcg" }, ["qemu", "tcg", "PYRO_ACCELERATOR=tcg"]],
])(
  "an accelerator in the place of an engine is understood, as earlier versions had it: %j, %j",
  ([settings, variables, [engine, accelerator, by]]) => {
    const wanted = wantedEngine(settings, variables);
    expect([wanted.engine, wanted.accelerator]).toEqual([engine, accelerator]);
    expect(wanted.by).toContain(by.replace("…", ""));
  },
);

test("nonsense in a variable is refused, with what it may be", () => {
  expect(failure(() => wantedEngine({ engine: "auto" }, { PYRO_ENGINE: "xen" }))).toEqual({
    code: "invalid_argument",
    message: 'PYRO_ENGINE is "xen", which is no engine.',
    hint: "Set it to one of auto, qemu, compat, or unset it; then stop the daemon by `pyro daemon stop`.",
  });
  expect(failure(() => wantedEngine({ engine: "kvm" }, { PYRO_ACCELERATOR: "hvf" }))).toEqual({
    code: "invalid_argument",
    message: 'PYRO_ACCELERATOR is "hvf", which is no accelerator.',
    hint: "Set it to one of auto, kvm, tcg, or unset it; then stop the daemon by `pyro daemon stop`.",
  });
});

test("settings files of earlier versions are read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pyro-settings-"));
  const path = join(folder, "settings.json");
  const read = async (settings: object) => {
    await writeFile(path, JSON.stringify(settings));
    const { engine, accelerator } = await readSettings(path);
    return [engine, accelerator];
  };
  try {
    expect([await read({}), await read({ engine: "tcg" }), await read({ engine: "compat" })]).toEqual([
      ...[
        ["auto", undefined],
        ["tcg", undefined],
        ["compat", undefined],
      ],
    ]);
    expect(await read({ engine: "qemu", accelerator: "kvm" })).toEqual(["qemu", "kvm"]);
    await expect(read({ accelerator: "qemu" })).rejects.toThrow("accelerator");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("whatever goes wrong, opening gives an engine, which says why it starts nothing", async () => {
  const lost = new PyroError("unavailable", "The guest kernel and agent are missing.", { hint: "make build" });
  const options = {
    ...({ cache: "/nonexistent", settings: { engine: "auto" }, proveBoot: () => Promise.reject(reason) } as const),
    inspect: () => Promise.resolve(host),
  };
  const signal = new AbortController().signal;
  const engine = await openEngine({ ...options, files: () => Promise.reject(lost), variables: {} }, signal);
  expect([engine.name, engine.accelerator, engine.unusable]).toEqual(["none", "none", lost]);
  await expect(engine.start({} as never, signal)).rejects.toBe(lost);
  const wrong = await openEngine(
    { ...options, files: () => Promise.reject(lost), variables: { PYRO_ENGINE: "xen" } },
    signal,
  );
  expect(wrong.unusable?.code).toBe("invalid_argument");
  const late = await openEngine({ ...options, files: () => Promise.reject(lost), variables: {} }, AbortSignal.abort());
  expect(late.unusable?.message).toBe("Measuring what this host can do took too long.");
});

test("a sandbox may stand in where QEMU or its firmware is missing or compat is set, and for no engine that is asked for by name", async () => {
  const files = { agentPath: "/a", kernelPath: "/k", initramfsPath: "/i", fingerprint: "manifest" };
  const openOn = (
    lacking: { readonly qemu?: undefined; readonly firmware: undefined },
    variables: EngineVariables = {},
  ) =>
    openEngine(
      {
        ...({ cache: "/nonexistent", settings: { engine: "auto" }, variables } as const),
        proveBoot: () => Promise.reject(reason),
        ...{ inspect: () => Promise.resolve({ ...host, ...lacking }), files: () => Promise.resolve(files) },
      },
      new AbortController().signal,
    );
  const without = await openOn({ firmware: undefined });
  expect([without.unusable?.message, without.sandboxMayStandIn]).toEqual([expect.stringContaining("qboot.rom"), true]);
  const open = (variables: EngineVariables) => openOn({ qemu: undefined, firmware: undefined }, variables);
  const engines = await Promise.all([
    ...["", "compat", "qemu", "tcg", "kvm"].map((engine) => open({ PYRO_ENGINE: engine })),
    ...["tcg", "xen"].map((accelerator) => open({ PYRO_ACCELERATOR: accelerator })),
  ]);
  expect(engines.map((engine) => [engine.unusable?.code, engine.sandboxMayStandIn])).toEqual([
    ...[
      ["unavailable", true],
      ["unsupported", true],
      ["unavailable", false],
      ["unavailable", false],
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
