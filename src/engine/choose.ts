// Owns which engine this host gets. Never starts a machine, and never fails: an engine that starts nothing says why.
import { asPyroError, PyroError } from "../base/error.js";
import { installLine } from "../base/host-program.js";
import { engineChoices, type EngineChoice } from "../base/settings.js";
import type { Engine } from "./engine.js";
import { noFirmware } from "./firmware.js";
import type { Accelerator } from "./qemu/arguments.js";
import { unusableEngine } from "./unusable.js";
import { judgeHost, type EngineFiles, type HostVerdict, type VerdictOptions } from "./verdict.js";

export interface EngineOptions extends Omit<VerdictOptions, "files"> {
  /** Rejects where they are missing. */
  files(): Promise<EngineFiles>;
  /** What the settings file says. */
  readonly setting: EngineChoice;
  /** What PYRO_ENGINE says, which goes before it; undefined or empty when it is not set. */
  readonly variable: string | undefined;
}

/** The engine of this host: KVM where it has proved itself, else emulation, or what the user forces. */
export async function openEngine(options: EngineOptions, signal: AbortSignal): Promise<Engine> {
  try {
    const choice = engineChoice(options.variable, options.setting);
    if (choice === "compat") return unusableEngine(sandboxOnly(), true);
    const verdict = await judgeHost({ ...options, files: await options.files() }, signal);
    // An engine that is asked for by name is never replaced.
    if (choice === "auto" && verdict.qemu === undefined) return unusableEngine(nothingRuns(verdict), true);
    return chooseEngine(verdict, choice);
  } catch (error) {
    return unusableEngine(signal.aborted ? tookTooLong(error) : asPyroError(error));
  }
}

/** What is wanted: the variable, else the setting. */
export function engineChoice(variable: string | undefined, setting: EngineChoice): EngineChoice {
  if (variable === undefined || variable === "") return setting;
  const choice = engineChoices.find((each) => each === variable);
  if (choice !== undefined) return choice;
  throw new PyroError("invalid_argument", `PYRO_ENGINE is ${JSON.stringify(variable)}, which is no engine.`, {
    hint: `Set it to one of ${engineChoices.join(", ")}, or unset it; then run \`pyro daemon stop\`.`,
  });
}

/** Throws `unavailable` when the host cannot give what is wanted. */
export function chooseEngine(verdict: HostVerdict, choice: EngineChoice): Engine {
  const { qemu } = verdict;
  if (choice === "compat") throw sandboxOnly();
  if (qemu === undefined) throw nothingRuns(verdict);
  if (choice === "kvm" && !qemu.kvm.usable) {
    const fix = qemu.kvm.fix === "" ? "" : `${qemu.kvm.fix}. `;
    throw new PyroError("unavailable", `KVM is wanted, but of no use here: ${qemu.kvm.reason}.`, {
      hint: `${fix}\`pyro doctor --fix\` measures again. Or set the engine to auto; then run \`pyro daemon stop\`.`,
    });
  }
  const engine = qemu.engines[acceleratorFor(choice, qemu.kvm.usable)];
  return choice === "auto" && !qemu.kvm.usable ? { ...engine, fasterFails: qemu.kvm.reason } : engine;
}

function sandboxOnly(): PyroError {
  return new PyroError("unsupported", "The engine is set to compat, which starts no virtual machine.", {
    hint: "Set the engine to auto, kvm or tcg; then run `pyro daemon stop`.",
  });
}

function nothingRuns({ host }: HostVerdict): PyroError {
  if (host.qemu !== undefined) return noFirmware();
  return new PyroError("unavailable", "QEMU is not installed, so no virtual machine can start.", {
    hint: `Install it: ${installLine(["qemu-system-x86_64"])}`,
  });
}

function acceleratorFor(choice: "auto" | Accelerator, kvmUsable: boolean): Accelerator {
  if (choice !== "auto") return choice;
  return kvmUsable ? "kvm" : "tcg";
}

function tookTooLong(cause: unknown): PyroError {
  return new PyroError("unavailable", "Measuring what this host can do took too long.", {
    hint: "Call again when the host is less busy; `pyro doctor` shows each measurement.",
    cause,
  });
}
