// Owns the check of the files that pyro ships: guest kernel, initramfs and agent, against their manifest. Never builds them.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { hasErrno } from "../base/error.js";
import type { Installation } from "../base/installation.js";
import { failure, type Check } from "./check.js";
import type { Diagnosis } from "./finding.js";
import { describeBytes } from "./size.js";

const file = z.object({ sha256: z.string(), size: z.int() });

const manifestSchema = z.object({
  kernel_package: z.string(),
  kernel_version: z.string(),
  files: z.object({ vmlinux: file, "initramfs.img": file }),
  agent_sha256: z.string(),
});

const fix = "In a checkout run `make build`; otherwise install pyro-mcp again.";

export const runtimeCheck: Check = {
  code: "runtime",
  timeoutMs: 20_000,
  essential: true,
  run: async (subject, { signal }) => {
    const installation = await subject.installation().catch((error: unknown) => failure("error", error));
    return "agentPath" in installation ? judgeRuntime(installation, signal) : installation;
  },
};

export async function judgeRuntime(installation: Installation, signal: AbortSignal): Promise<Diagnosis> {
  const manifest = manifestSchema.safeParse(parseJson(installation.fingerprint));
  if (!manifest.success) return { severity: "error", text: "The manifest of the guest kernel cannot be read.", fix };
  const { files, agent_sha256, kernel_package, kernel_version } = manifest.data;
  const [kernel, initramfs, agent] = await Promise.all([
    compare(installation.kernelPath, files.vmlinux.sha256, signal),
    compare(installation.initramfsPath, files["initramfs.img"].sha256, signal),
    compare(installation.agentPath, agent_sha256, signal),
  ]);
  const broken = [kernel, initramfs].filter((problem) => problem !== undefined);
  if (broken.length > 0) return { severity: "error", text: `${broken.join("; ")}.`, fix };
  const runnable = await access(installation.agentPath, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!runnable) return { severity: "error", text: `${installation.agentPath} is missing or not executable.`, fix };
  if (agent !== undefined) {
    return { severity: "warning", text: `${agent}: the guest kernel's bundle holds another agent.`, fix };
  }
  const bytes = files.vmlinux.size + files["initramfs.img"].size;
  return { severity: "ok", text: `${kernel_package} ${kernel_version}, ${describeBytes(bytes)}; all digests match.` };
}

/** What is wrong with the file; undefined when its content is right. */
async function compare(path: string, sha256: string, signal: AbortSignal): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, { signal });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return `${path} is missing`;
    throw error;
  }
  return hash.digest("hex") === sha256 ? undefined : `${path} is not what its manifest says`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
