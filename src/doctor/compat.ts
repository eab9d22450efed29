// Owns the check of the sandbox for hosts where no virtual machine runs. Never counts it as a way to run.
import { installLine, lookUpProgram, systemPath } from "../base/host-program.js";
import { runProgram } from "../base/spawn.js";
import { asPyroError } from "../base/error.js";
import { namespaceObstacle, namespaceSettings } from "../environment/user-namespaces.js";
import type { Check } from "./check.js";
import { programVersion } from "./programs.js";

const use = "Only --allow-host-compat uses it, and only where no virtual machine can start.";

/** As src/engine/compat uses it, over the host's own root. */
const trial = [
  "--unshare-user",
  "--unshare-pid",
  "--unshare-net",
  "--unshare-ipc",
  "--unshare-uts",
  "--unshare-cgroup-try",
  "--disable-userns",
  "--die-with-parent",
  "--uid",
  "0",
  "--gid",
  "0",
  "--ro-bind",
  "/",
  "/",
  "--proc",
  "/proc",
  "--dev",
  "/dev",
  "true",
];

export const compatCheck: Check = {
  code: "compat",
  essential: false,
  run: async (_subject, { signal }) => {
    const [path, unpacker] = [await lookUpProgram("bwrap"), await lookUpProgram("unsquashfs")];
    if (path === undefined || unpacker === undefined) {
      const missing = path === undefined ? "bubblewrap" : "unsquashfs";
      return {
        severity: "info",
        text: `${missing} is not installed. ${use}`,
        fix: installLine(["bwrap", "unsquashfs"]),
      };
    }
    const version = await programVersion("bwrap", path, signal);
    try {
      await runProgram(path, trial, { signal, env: { PATH: systemPath }, timeoutMs: 10_000 });
      return { severity: "ok", text: `bubblewrap ${version} works. ${use}` };
    } catch (error) {
      signal.throwIfAborted();
      const said = asPyroError(error).message;
      const { line } = namespaceObstacle(await namespaceSettings(), said);
      const text = `bubblewrap ${version} does not work here: ${said.replace(/\.+$/u, "")}. ${use}`;
      return { severity: "info", text, ...(line === undefined ? {} : { fix: line }) };
    }
  },
};
