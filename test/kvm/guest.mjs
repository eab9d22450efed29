// Owns what a guest sees of the processor under KVM: above all that it is given no virtualisation of its own.

import { expectEqual } from "../../scripts/dist-check/steps.mjs";
import { expectCode } from "./checks.mjs";

/** Loads modules from standard input's archive in the order of their names; the environment has no kmod. */
const LOAD = `
import ctypes, glob, os
libc = ctypes.CDLL(None, use_errno=True)
for path in sorted(glob.glob("*.ko")):
    with open(path) as module:
        failed = libc.syscall(313, module.fileno(), b"", 0)
        print(path, os.strerror(ctypes.get_errno()) if failed else "loaded")
print("kvm", os.path.exists("/dev/kvm"))
`;

export async function guest({ account, check }) {
  await account.sh("pyro run debian:12 -- cat /proc/cpuinfo");
  await account.sh("pyro run debian:12 -- dmesg");
  await check(`${account.user}: the guest's processor has no virtualisation and no PMU`, async () => {
    const { stdout } = expectCode(await account.sh("pyro run debian:12 -- grep -m 1 ^flags /proc/cpuinfo"), 0);
    const flags = stdout.trim().split(/\s+/u);
    const unwanted = ["svm", "vmx", "npt", "arch_perfmon", "perfctr_core"].filter((flag) => flags.includes(flag));
    expectEqual("flags that it should not have", unwanted, []);
  });
  await check(`${account.user}: the guest cannot get a /dev/kvm by loading KVM's modules`, async (note) => {
    const load = "tar x && cat >load.py && python3 load.py; dmesg | tail -n 5 >&2";
    const script = `cat >~/load.py <<'PY'${LOAD}PY
cd ~ && cp /opt/smoke/kvm-modules/*.ko . && tar c *.ko load.py | pyro run debian:12 -- sh -c '${load.replace("cat >load.py && ", "")}'`;
    const { stdout } = expectCode(await account.sh(script), 0);
    note(stdout.trim().split("\n").join(", "));
    const [irqbypass, kvm, amd, device] = stdout.trim().split("\n");
    expectEqual("what came of it", [irqbypass, kvm, device], ["0-irqbypass.ko loaded", "1-kvm.ko loaded", "kvm False"]);
    expectEqual("that KVM for AMD was refused", amd?.endsWith("loaded"), false);
  });
}
