// Owns finding the firmware that our machines start with, where QEMU itself would find it. Never brings one along.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { PyroError } from "../../base/error.js";
import { systemPath } from "../../base/host-program.js";
import { runProgram } from "../../base/spawn.js";
import { firmwareName } from "./arguments.js";

export interface Firmware {
  /** Absolute. */
  readonly path: string;
  readonly sha256: string;
}

const helpTimeoutMs = 10_000;

/** The first of QEMU's data folders that has it decides, as it does for QEMU; undefined when none has. */
export async function findFirmware(qemuPath: string, signal: AbortSignal): Promise<Firmware | undefined> {
  const env = { PATH: systemPath, LC_ALL: "C" };
  const { stdout } = await runProgram(qemuPath, ["-L", "help"], { signal, env, timeoutMs: helpTimeoutMs });
  for (const folder of stdout.split("\n").filter((line) => line.startsWith("/"))) {
    const path = `${folder}/${firmwareName}`;
    const content = await readFile(path).catch(() => undefined);
    if (content !== undefined) return { path, sha256: createHash("sha256").update(content).digest("hex") };
  }
  return undefined;
}

export function noFirmware(): PyroError {
  return new PyroError("unavailable", `QEMU's firmware ${firmwareName} is missing, without which no machine starts.`, {
    hint:
      "Install it: sudo apt-get install qemu-system-data " +
      "(on Fedora it is in qemu-system-x86-core, on Arch in qemu-system-x86-firmware)",
  });
}
