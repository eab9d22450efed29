// Owns building the connector that every surface calls through: the one place that knows how a daemon is started. Never calls an operation.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PyroError } from "../base/error.js";
import type { Connector } from "./connection.js";

/** Reaches the daemon of the user, or that of the given PYRO_HOME. */
export function daemonConnector(home?: string): Connector {
  const env = home === undefined ? process.env : { ...process.env, PYRO_HOME: home };
  const command = () => [pyroScript(), "daemon", "serve", "--json"];
  return {
    start: async () => {
      const { connectDaemon } = await import("../client/connect.js");
      return connectDaemon({ env, command: command() });
    },
    find: async () => {
      const { findDaemon } = await import("../client/connect.js");
      return findDaemon(env);
    },
    here: async () => {
      const { openCallerServices } = await import("../client/caller-services.js");
      const { openChatHosts } = await import("../chat-host/chat-hosts.js");
      const { serveFlags } = await import("./serve-flags.js");
      const script = pyroScript();
      const chatHosts = openChatHosts({ env, cwd: process.cwd(), script, serveFlags });
      const { spellForTerminal } = await import("./cli/speaker.js");
      return openCallerServices({ env, command: command() }, { chatHosts, spell: spellForTerminal });
    },
  };
}

/** The bundled command: beside this file, above it when this is a chunk, or built from this source. */
function pyroScript(): string {
  const here = import.meta.dirname;
  const places = [join(here, "pyro.js"), join(here, "..", "pyro.js"), join(here, "..", "..", "dist", "pyro.js")];
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new PyroError("failed_precondition", "The pyro command is not built.", {
    hint: "Run `make build` in the checkout.",
  });
}
