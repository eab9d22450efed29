// Owns where the files that pyro ships lie: the static agent and the guest's kernel. Never builds them.
import { access, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PyroError } from "./error.js";

export interface Installation {
  /** Static binary: guest agent, supervisor and probes. */
  readonly agentPath: string;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** Text that changes with any of them. */
  readonly fingerprint: string;
}

/** Finds the shipped files beside or above this code, in a checkout as well as in a package. */
export async function findInstallation(from: string = fileURLToPath(import.meta.url)): Promise<Installation> {
  for (let folder = dirname(from); folder !== dirname(folder); folder = dirname(folder)) {
    for (const candidate of [folder, join(folder, "dist")]) {
      const manifest = join(candidate, "runtime", "manifest.json");
      const found = await access(manifest).then(
        () => true,
        () => false,
      );
      if (!found) continue;
      return {
        agentPath: join(candidate, "pyro-guest"),
        kernelPath: join(candidate, "runtime", "vmlinux"),
        initramfsPath: join(candidate, "runtime", "initramfs.img"),
        fingerprint: await readFile(manifest, "utf8"),
      };
    }
  }
  throw new PyroError("unavailable", "The guest kernel and agent are missing.", {
    hint: "In a checkout run `make build`; otherwise install pyro-mcp again.",
  });
}
