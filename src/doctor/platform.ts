// Owns the check of system, processor architecture and Node. Never looks at what runs on them.
import { arch, platform, release } from "node:os";
import { hostDistribution } from "../base/distribution.js";
import { isNodeNewEnough, oldestNode } from "../base/node-version.js";
import type { Check } from "./check.js";
import type { Diagnosis } from "./finding.js";

export interface Platform {
  readonly system: string;
  readonly architecture: string;
  readonly kernelRelease: string;
  /** As it calls itself. */
  readonly distribution: string;
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
        distribution: hostDistribution().name,
        nodeVersion: process.versions.node,
      }),
    ),
};

export function judgePlatform(host: Platform): Diagnosis {
  const { system, architecture, kernelRelease, distribution, nodeVersion } = host;
  if (system !== "linux" || architecture !== "x64") {
    const text = `pyro runs on Linux x86_64; this is ${system} ${architecture}.`;
    return { severity: "error", text, fix: "Use it on a Linux x86_64 machine." };
  }
  const text = `${distribution}, Linux ${kernelRelease} on x86_64, Node ${nodeVersion}`;
  if (isNodeNewEnough(nodeVersion)) return judgeWsl(kernelRelease, text);
  return {
    severity: "error",
    text: `${text}, which is older than ${oldestNode}.`,
    fix: `Install Node ${oldestNode} or newer.`,
  };
}

/** Windows's own Linux names itself in the kernel's release: `-Microsoft` the first, `-microsoft-standard-WSL2` the second. */
function judgeWsl(kernelRelease: string, text: string): Diagnosis {
  if (!/microsoft/iu.test(kernelRelease)) return { severity: "ok", text: `${text}.` };
  if (!/WSL2/u.test(kernelRelease)) {
    const why = `${text}: WSL 1 has no Linux kernel, which machines need.`;
    return { severity: "error", text: why, fix: "wsl --set-version DISTRIBUTION 2 (in Windows)" };
  }
  return {
    severity: "info",
    text:
      `${text}. WSL 2 has KVM where Windows lends it: nestedVirtualization=true below [wsl2] in %USERPROFILE%\\.wslconfig, ` +
      "then `wsl --shutdown`. pyro has not been tried on it.",
  };
}
