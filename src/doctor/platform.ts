// Owns the check of system, processor architecture and Node. Never looks at what runs on them.
import { arch, platform, release } from "node:os";
import { isNodeNewEnough, oldestNode } from "../base/node-version.js";
import type { Check } from "./check.js";
import type { Diagnosis } from "./finding.js";

export interface Platform {
  readonly system: string;
  readonly architecture: string;
  readonly kernelRelease: string;
  /** Without the leading v. */
  readonly nodeVersion: string;
}

export const platformCheck: Check = {
  code: "platform",
  essential: true,
  run: () =>
    Promise.resolve(
      judgePlatform({
        system: platform(),
        architecture: arch(),
        kernelRelease: release(),
        nodeVersion: process.versions.node,
      }),
    ),
};

export function judgePlatform({ system, architecture, kernelRelease, nodeVersion }: Platform): Diagnosis {
  if (system !== "linux" || architecture !== "x64") {
    const text = `pyro runs on Linux x86_64; this is ${system} ${architecture}.`;
    return { severity: "error", text, fix: "Use it on a Linux x86_64 machine." };
  }
  const text = `Linux ${kernelRelease} on x86_64, Node ${nodeVersion}`;
  if (isNodeNewEnough(nodeVersion)) return { severity: "ok", text: `${text}.` };
  return {
    severity: "error",
    text: `${text}, which is older than ${oldestNode}.`,
    fix: `Install Node ${oldestNode} or newer.`,
  };
}
