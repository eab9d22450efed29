// Owns the engine of a host that can start no machine. Never hides why.
import type { PyroError } from "../base/error.js";
import type { Engine } from "./engine.js";

/** Refuses every start for the given reason. */
export function unusableEngine(unusable: PyroError, sandboxMayStandIn = false): Engine {
  return {
    name: "none",
    accelerator: "none",
    fingerprint: "unusable",
    unusable,
    sandboxMayStandIn,
    start: () => Promise.reject(unusable),
  };
}
