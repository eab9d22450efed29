// Owns the check of the sandbox for hosts where no virtual machine runs. Never counts it as a way to run.
import { installLine, lookUpProgram, systemPath } from "../base/host-program.js";
import { runProgram } from "../base/spawn.js";
import { asPyroError } from "../base/error.js";
import type { Check } from "./check.js";
import { programVersion } from "./programs.js";

const use = "Only --allow-host-compat uses it, and this version does not have that yet.";

export const compatCheck: Check = {
  code: "compat",
  essential: false,
  run: async (_subject, { signal }) => {
    const path = await lookUpProgram("bwrap");
    if (path === undefined) {
      return { severity: "info", text: `bubblewrap is not installed. ${use}`, fix: installLine(["bwrap"]) };
    }
    const version = await programVersion("bwrap", path, signal);
    try {
      const args = ["--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true"];
      await runProgram(path, args, { signal, env: { PATH: systemPath }, timeoutMs: 10_000 });
      return { severity: "ok", text: `bubblewrap ${version} works. ${use}` };
    } catch (error) {
      signal.throwIfAborted();
      return {
        severity: "info",
        text: `bubblewrap ${version} does not work here: ${asPyroError(error).message}. ${use}`,
      };
    }
  },
};
