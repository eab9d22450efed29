// Owns the engine of a host that can start no machine. Never hides why.
import type { PyroError } from "../base/error.js";
import type { Engine } from "./engine.js";
import { qemuEngine } from "./qemu/qemu.js";

/** Refuses every start for the given reason; machines that an earlier daemon started are still taken over. */
export function unusableEngine(unusable: PyroError, sandboxMayStandIn = false): Engine {
  const none = { agentPath: "", qemuPath: "", kernelPath: "", initramfsPath: "", tscKhz: 0 };
  return {
    ...qemuEngine({ ...none, accelerator: "tcg", fingerprint: "unusable" }),
    accelerator: "none",
    can: new Set(),
    unusable,
    sandboxMayStandIn,
    start: () => Promise.reject(unusable),
  };
}
