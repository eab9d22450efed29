// Owns which engine this host gets, and what it must know of the host. Never starts a machine.
import * as z from "zod";
import { runProgram } from "../base/spawn.js";
import type { Engine } from "./engine.js";
import { qemuEngine } from "./qemu/qemu.js";

export interface EngineFiles {
  readonly agentPath: string;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** Text that changes with any of them. */
  readonly fingerprint: string;
}

const tscAnswer = z.object({ khz: z.int().min(100_000).max(20_000_000) });

/** The engine for this host. Software emulation works wherever QEMU does; KVM only counts once a probe has proved it. */
export async function openEngine(files: EngineFiles): Promise<Engine> {
  return qemuEngine({
    ...files,
    accelerator: "tcg",
    qemuPath: "/usr/bin/qemu-system-x86_64",
    tscKhz: await measureTscKhz(files.agentPath),
  });
}

async function measureTscKhz(agentPath: string): Promise<number> {
  const { stdout } = await runProgram(agentPath, ["probe", "tsc"], {
    signal: AbortSignal.timeout(10_000),
    timeoutMs: 10_000,
  });
  return tscAnswer.parse(JSON.parse(stdout)).khz;
}
