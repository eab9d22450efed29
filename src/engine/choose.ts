// Owns which engine this host gets. Never starts a machine, and never fails: an engine that starts nothing says why.
import { asPyroError, PyroError } from "../base/error.js";
import { installLine } from "../base/host-program.js";
import { call, say } from "../base/say.js";
import type { Engine } from "./engine.js";
import { noFirmware } from "./qemu/firmware.js";
import { unusableEngine } from "./unusable.js";
import { judgeHost, type EngineFiles, type HostVerdict, type VerdictOptions } from "./qemu/verdict.js";
import { isLeftToUs, wantedEngine, type EngineSettings, type EngineVariables, type Wanted } from "./wanted.js";

export interface EngineOptions extends Omit<VerdictOptions, "files"> {
  /** Rejects where they are missing. */
  files(): Promise<EngineFiles>;
  readonly settings: EngineSettings;
  readonly variables: EngineVariables;
}

/** The engine of this host: KVM where it has proved itself, else emulation, or what the user forces. */
export async function openEngine(options: EngineOptions, signal: AbortSignal): Promise<Engine> {
  try {
    const wanted = wantedEngine(options.settings, options.variables);
    if (wanted.engine === "compat") return unusableEngine(sandboxOnly(), true);
    const verdict = await judgeHost({ ...options, files: await options.files() }, signal);
    if (isLeftToUs(wanted) && verdict.qemu === undefined) return unusableEngine(nothingRuns(verdict), true);
    return chooseEngine(verdict, wanted);
  } catch (error) {
    return unusableEngine(signal.aborted ? tookTooLong(error) : asPyroError(error));
  }
}

/** Throws `unavailable` when the host cannot give what is wanted. */
export function chooseEngine(
  verdict: HostVerdict,
  { engine, accelerator }: Pick<Wanted, "engine" | "accelerator">,
): Engine {
  const { qemu } = verdict;
  if (engine === "compat") throw sandboxOnly();
  if (qemu === undefined) throw nothingRuns(verdict);
  if (accelerator === "kvm" && !qemu.kvm.usable) {
    const fix = qemu.kvm.fix === "" ? "" : `${qemu.kvm.fix}. `;
    throw new PyroError("unavailable", `KVM is wanted, but of no use here: ${qemu.kvm.reason}.`, {
      hint: say`${fix}${call("doctor", { fix: true })} measures again. Or set the accelerator to auto; then stop the daemon by ${call("daemon_stop")}.`,
    });
  }
  if (accelerator !== "auto") return qemu.engines[accelerator];
  return qemu.kvm.usable ? qemu.engines.kvm : { ...qemu.engines.tcg, fasterFails: qemu.kvm.reason };
}

function sandboxOnly(): PyroError {
  return new PyroError("unsupported", "The engine is set to compat, which starts no virtual machine.", {
    hint: say`Set the engine to auto or qemu; then stop the daemon by ${call("daemon_stop")}.`,
  });
}

function nothingRuns({ host }: HostVerdict): PyroError {
  if (host.qemu !== undefined) return noFirmware();
  return new PyroError("unavailable", "QEMU is not installed, so no virtual machine can start.", {
    hint: `Install it: ${installLine(["qemu-system-x86_64"])}`,
  });
}

function tookTooLong(cause: unknown): PyroError {
  return new PyroError("unavailable", "Measuring what this host can do took too long.", {
    hint: say`Call again when the host is less busy; ${call("doctor")} shows each measurement.`,
    cause,
  });
}
