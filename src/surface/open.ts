// Owns building the connector that has all: the daemon, and what works in the caller's own process. Never calls an operation.
import type { Connector } from "./connection.js";
import { daemonCommand, pyroScript, reachDaemon } from "./reach.js";

/** Reaches the daemon of the user, or that of the given PYRO_HOME. */
export function daemonConnector(home?: string): Connector {
  const env = home === undefined ? process.env : { ...process.env, PYRO_HOME: home };
  return {
    ...reachDaemon(env),
    here: async () => {
      const { openCallerParts } = await import("../client/caller-parts.js");
      const { openChatHosts } = await import("../chat-host/chat-hosts.js");
      const { serveFlags } = await import("./serve-flags.js");
      const { spellForTerminal } = await import("./cli/speaker.js");
      const chatHosts = openChatHosts({ env, cwd: process.cwd(), script: pyroScript(), serveFlags });
      return openCallerParts({ env, command: daemonCommand() }, { chatHosts, spell: spellForTerminal });
    },
  };
}
