// Owns how a surface reaches the daemon and has one started where none runs. Never loads what works in the caller's own process.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PyroError } from "../base/error.js";
import type { Connector } from "./connection.js";

export function reachDaemon(env: NodeJS.ProcessEnv): Pick<Connector, "start" | "find"> {
  return {
    start: async () => {
      const { connectDaemon } = await import("../client/connect.js");
      return connectDaemon({ env, command: daemonCommand() });
    },
    find: async () => {
      const { findDaemon } = await import("../client/connect.js");
      return findDaemon(env);
    },
  };
}

/** What node runs to become the daemon. */
export function daemonCommand(): readonly string[] {
  return [pyroScript(), "daemon", "serve", "--json"];
}

/** The bundled command: beside this file, above it when this is a chunk, or built from this source. */
export function pyroScript(): string {
  const here = import.meta.dirname;
  const places = [join(here, "pyro.js"), join(here, "..", "pyro.js"), join(here, "..", "..", "dist", "pyro.js")];
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new PyroError("failed_precondition", "The pyro command is not built.", {
    hint: "Run `make build` in the checkout.",
  });
}
