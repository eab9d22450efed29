// Proves that measurements of the host are kept exactly as long as what they were made on, with a native probe that this test writes.

import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PyroError } from "../../../src/base/error.js";
import { judgeHost, proveTcg, type HostVerdict, type VerdictOptions } from "../../../src/engine/qemu/verdict.js";
import type { KvmMeasurement } from "../../../src/engine/qemu/verdict-file.js";
import { cpuModel, type Host } from "../../../src/engine/qemu/verdict-host.js";
import { holds, measureKvm, type KvmSpeed } from "../../../src/engine/qemu/verdict-kvm.js";
import { currentTsc, steadyRate } from "../../../src/engine/qemu/verdict-tsc.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pyro-verdict-"));
});
afterEach(() => rm(folder, { recursive: true }));

const signal = new AbortController().signal;
const ok = { usable: true, cause: "none", reason: "", fix: "", loop_us: 28 } as const;
const fast: KvmSpeed = { ...ok, create_vm_ms: 1.5 };
const imitated = { usable: false, cause: "too_slow", reason: "an imitation", fix: "", loop_us: 20_000 } as const;
const slow: KvmSpeed = { ...imitated, create_vm_ms: 1.5 };
const qemu = { path: "/usr/bin/qemu-system-x86_64", size: 18, mtimeMs: 1000, version: "7.2.22 (Debian)" };
const firmware = { path: "/qboot.rom", sha256: "0123456789abcdef" };
const host: Host = {
  ...{ kernelRelease: "6.1.0", cpuModel: "cpu", cpuFeatures: "flags", bootId: "boot-1" },
  ...{ qemu, firmware, kvmDevice: "open" },
};

/** A native binary that answers as given, and counts how often it is asked what. */
async function nativeProbe(kvm: KvmSpeed, khz = 2_300_000): Promise<{ path: string; asked(): Promise<string[]> }> {
  const path = join(folder, "probe");
  const log = join(folder, "asked");
  const answers = `tsc) echo '{"khz":${khz}}';; kvm) echo '${JSON.stringify(kvm)}';;`;
  await writeFile(path, `#!/bin/sh\necho "$2" >>'${log}'\ncase "$2" in ${answers} esac\n`, { mode: 0o755 });
  const asked = async () => (await readFile(log, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  return { path, asked };
}

function options(agentPath: string, more: Partial<VerdictOptions> & { readonly host?: Host } = {}): VerdictOptions {
  return {
    files: { agentPath, kernelPath: "/k", initramfsPath: "/i", fingerprint: "runtime 1" },
    cache: folder,
    proveBoot: () => Promise.resolve(410),
    inspect: () => Promise.resolve(more.host ?? host),
    clock: () => new Date("2026-11-20T10:00:00Z"),
    ...more,
  };
}

const kvmOf = ({ qemu: found }: HostVerdict) => found?.kvm;

test("what was measured once is read from the file, as it was", async () => {
  const probe = await nativeProbe(slow);
  const first = await judgeHost(options(probe.path), signal);
  const second = await judgeHost(options(probe.path), signal);
  expect(await probe.asked()).toEqual(["tsc", "kvm"]);
  expect(kvmOf(second)).toEqual(kvmOf(first));
  expect(kvmOf(first)).toEqual({
    ...{ ...imitated, boot_ms: null, boot_id: "boot-1", checked_at: "2026-11-20T10:00:00.000Z" },
    key: expect.stringMatching(/^[0-9a-f]{32}$/u),
  });
  expect(second.qemu?.engines.tcg.fingerprint).toBe(first.qemu?.engines.tcg.fingerprint);
  expect((await stat(join(folder, "host.json"))).mode & 0o777).toBe(0o600);
});

test.for(["", "{", "[]", '{"format":2}', '{"format":1,"qemu":null,"tsc":{"khz":1},"kvm":null,"tcg":null}'])(
  "a file that reads %j is measured again and replaced",
  async (garbled) => {
    const probe = await nativeProbe(slow);
    const before = await judgeHost(options(probe.path), signal);
    await writeFile(join(folder, "host.json"), garbled);
    expect(await judgeHost(options(probe.path), signal)).toMatchObject({ qemu: { kvm: kvmOf(before) } });
    await judgeHost(options(probe.path), signal);
    expect(await probe.asked()).toEqual(["tsc", "kvm", "tsc", "kvm"]);
  },
);

test.for<[string, Partial<Host>, string[]]>([
  ["kernel", { kernelRelease: "6.2.0" }, ["kvm"]],
  ["QEMU", { qemu: { ...qemu, mtimeMs: 2000 } }, ["kvm"]],
  ["firmware", { firmware: { ...firmware, sha256: "another" } }, ["kvm"]],
  ["microcode", { cpuFeatures: "other flags" }, ["kvm"]],
  ["right to /dev/kvm", { kvmDevice: "denied" }, ["kvm"]],
  ["processor", { cpuModel: "other" }, ["tsc", "kvm"]],
  ["start of the host", { bootId: "boot-2" }, ["tsc", "kvm"]],
])("another %s is measured anew", async ([, changed, asked]) => {
  const probe = await nativeProbe(slow);
  await judgeHost(options(probe.path), signal);
  await judgeHost(options(probe.path, { host: { ...host, ...changed } }), signal);
  expect((await probe.asked()).slice(2)).toEqual(asked);
});

test("KVM counts after a fast loop and one boot, which another start of the host does not ask for again", async () => {
  const probe = await nativeProbe(fast);
  const boots: string[] = [];
  const proveBoot: VerdictOptions["proveBoot"] = (engine, { timeoutMs }) => {
    boots.push(`${engine.accelerator} ${timeoutMs}`);
    return Promise.resolve(410);
  };
  const verdict = await judgeHost(options(probe.path, { proveBoot }), signal);
  expect(kvmOf(verdict)).toMatchObject({ usable: true, loop_us: 28, boot_ms: 410 });
  await judgeHost(options(probe.path, { proveBoot, host: { ...host, bootId: "boot-2" } }), signal);
  expect(boots).toEqual(["kvm 10000"]);
});

test.for([
  ["(nothing)", "No answer within 10 s."],
  ["first\nACPI: Core", "No answer within 10 s. Its console ends with: ACPI: Core"],
] as const)("KVM that does not boot our kernel is not used, and says so: %s", async ([console, why]) => {
  const probe = await nativeProbe(fast);
  const proveBoot = () =>
    Promise.reject(new PyroError("deadline_exceeded", `No answer within 10 s. Its console's end:\n${console}`));
  const verdict = await judgeHost(options(probe.path, { proveBoot }), signal);
  expect(kvmOf(verdict)).toMatchObject({
    ...{ usable: false, cause: "no_boot", boot_ms: null },
    reason: `the processor is fast under /dev/kvm, but our kernel did not boot: ${why}`,
  });
});

test("asked to, everything is measured again, and the clock rate stays within its noise", async () => {
  const first = await judgeHost(options((await nativeProbe(slow, 2_300_000)).path), signal);
  const probe = await nativeProbe(slow, 2_300_200);
  const second = await judgeHost(options(probe.path, { again: "all" }), signal);
  expect(await probe.asked()).toEqual(["tsc", "kvm", "tsc", "kvm"]);
  expect(second.qemu?.engines.tcg.fingerprint).toBe(first.qemu?.engines.tcg.fingerprint);
});

test("without QEMU or its firmware nothing is measured, and nothing fails", async () => {
  const probe = await nativeProbe(fast);
  for (const lacking of [{ qemu: undefined, firmware: undefined }, { firmware: undefined }]) {
    const verdict = await judgeHost(options(probe.path, { host: { ...host, ...lacking } }), signal);
    expect(verdict.qemu).toBeUndefined();
  }
  expect(await probe.asked()).toEqual([]);
});

test("where the file cannot be written the verdict is the same", async () => {
  const probe = await nativeProbe(slow);
  const verdict = await judgeHost(options(probe.path, { cache: join(folder, "missing") }), signal);
  expect(kvmOf(verdict)).toMatchObject(imitated);
});

test("emulation is proved by one boot, and again when the runtime has changed or somebody asks", async () => {
  const probe = await nativeProbe(slow);
  let boots = 0;
  const prove = async (more: Partial<VerdictOptions>) => {
    const all = options(probe.path, { proveBoot: async () => (boots += 1), ...more });
    const { qemu: found } = await judgeHost(all, signal);
    return found === undefined ? undefined : proveTcg(all, found, signal);
  };
  expect(await prove({})).toMatchObject({ boot_ms: 1 });
  expect(await prove({})).toMatchObject({ boot_ms: 1 });
  const files = { agentPath: probe.path, kernelPath: "/k", initramfsPath: "/i", fingerprint: "runtime 2" };
  expect(await prove({ files })).toMatchObject({ boot_ms: 2 });
  expect(await prove({ files, again: "all" })).toMatchObject({ boot_ms: 3 });
  const failing = () => Promise.reject(new PyroError("deadline_exceeded", "No answer."));
  await expect(prove({ proveBoot: failing })).rejects.toThrow("No answer.");
  expect(await prove({})).toMatchObject({ boot_ms: 4 });
});

const circumstances = { key: "k", host: { bootId: "b" }, now: new Date("2026-11-20T10:30:00Z") };

test("a probe that fails is a verdict; only an abort is an error", async () => {
  const boot = () => Promise.reject(new Error("must not boot"));
  const broken = { speed: () => Promise.reject(new Error("probe: bad\nmore")), boot };
  expect((await measureKvm(broken, circumstances, signal)).kvm).toEqual({
    ...{ key: "k", boot_id: "b", checked_at: "2026-11-20T10:30:00.000Z" },
    ...{ usable: false, cause: "failed", reason: "probe: bad", fix: "", loop_us: 0, boot_ms: null },
  });
  const gone = AbortSignal.abort(new PyroError("canceled", "gone"));
  await expect(measureKvm(broken, circumstances, gone)).rejects.toThrow("gone");
  await expect(measureKvm({ speed: async () => fast, boot }, circumstances, gone)).rejects.toThrow("gone");
});

const known = (changed: Partial<KvmMeasurement>): KvmMeasurement => ({
  ...{ ...ok, key: "k", boot_id: "b", boot_ms: 400, checked_at: "2026-11-20T10:00:00.000Z" },
  ...changed,
});

test("a good verdict outlives a start of the host, a bad one does not, a busy KVM is asked each time", () => {
  const held = (changed: Partial<KvmMeasurement>, now: Partial<typeof circumstances> = {}) =>
    holds(known(changed), { ...circumstances, ...now });
  const later = { host: { bootId: "c" } };
  expect([held({}), held({}, later), held({}, { key: "other" })]).toEqual([true, true, false]);
  const denied = { usable: false, cause: "no_permission" } as const;
  expect([held(denied), held(denied, later), holds(null, circumstances)]).toEqual([true, false, false]);
  expect(held({ usable: false, cause: "busy" })).toBe(false);
});

test.for(["too_slow", "hung", "no_boot", "failed"] as const)(
  "a bad verdict that load may have caused, such as %s, holds an hour",
  (cause) => {
    const held = (now: string) => holds(known({ usable: false, cause }), { ...circumstances, now: new Date(now) });
    expect(["2026-11-20T10:59:59Z", "2026-11-20T11:00:00Z", "2026-11-20T09:59:59Z"].map(held)).toEqual([
      ...[true, false, false],
    ]);
    const denied = known({ usable: false, cause: "no_permission" });
    expect(holds(denied, { ...circumstances, now: new Date("2026-11-21T10:00:00Z") })).toBe(true);
  },
);

test("asked to, KVM's probe runs although the verdict is known, and the boot only where it says more than is known", async () => {
  const boots: string[] = [];
  const proveBoot: VerdictOptions["proveBoot"] = async ({ accelerator }) => boots.push(accelerator);
  const judge = async (speed: KvmSpeed, again: VerdictOptions["again"]) => {
    const probe = await nativeProbe(speed);
    const { qemu: found } = await judgeHost(options(probe.path, { proveBoot, ...(again && { again }) }), signal);
    return [found?.kvm.usable, found?.kvmSpeed?.loop_us, boots.length];
  };
  expect(await judge(fast, undefined)).toEqual([true, 28, 1]);
  expect(await judge(slow, undefined)).toEqual([true, undefined, 1]);
  expect(await judge({ ...fast, loop_us: 31 }, "speed")).toEqual([true, 31, 1]);
  expect(await judge(slow, "speed")).toEqual([false, 20_000, 1]);
  expect(await judge(fast, undefined)).toEqual([false, undefined, 1]);
  expect(await judge(fast, "speed")).toEqual([true, 28, 2]);
  expect(await judge(fast, "kvm")).toEqual([true, 28, 3]);
});

test("a kernel that did not boot is not booted again for the probe's sake within the hour", async () => {
  const boot = () => Promise.reject(new Error("must not boot"));
  const bad = known({ usable: false, cause: "no_boot", reason: "silence" });
  const again = await measureKvm({ speed: async () => fast, boot }, { ...circumstances, known: bad }, signal);
  expect(again).toEqual({ kvm: bad, speed: fast });
});

test("the recorded clock rate is kept within 200 ppm", async () => {
  expect([2_299_541, 2_300_460].map((khz) => steadyRate(2_300_000, khz))).toEqual([2_300_000, 2_300_000]);
  expect([2_299_539, 2_300_461].map((khz) => steadyRate(2_300_000, khz))).toEqual([2_299_539, 2_300_461]);
  expect(steadyRate(undefined, 5)).toBe(5);
  const known = { khz: 2_300_000, boot_id: "a", cpu_model: "cpu" };
  const never = () => Promise.reject(new Error("must not measure"));
  expect(await currentTsc(known, { bootId: "a", cpuModel: "cpu" }, never)).toEqual(known);
  const measure = () => Promise.resolve(2_300_100);
  expect(await currentTsc(known, { bootId: "b", cpuModel: "cpu" }, measure)).toEqual({ ...known, boot_id: "b" });
  expect(await currentTsc(known, { bootId: "b", cpuModel: "x" }, measure)).toMatchObject({
    khz: 2_300_100,
    cpu_model: "x",
  });
});

test("the processor is named by all that tells models apart", () => {
  const cpuinfo =
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Xeon\nstepping\t: 2\n";
  expect(cpuModel(cpuinfo)).toBe("Xeon (GenuineIntel 6/207/2)");
  expect(cpuModel("")).toBe("unknown (unknown unknown/unknown/unknown)");
});
