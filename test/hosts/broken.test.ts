// Proves, with the real hosts, the way from each broken case over what doctor says to a healthy host, and records it for people.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { format } from "prettier";
import { expect, test } from "vitest";
import { openConnectUser } from "./connect-user.js";
import { chatHosts, type ChatHost } from "./hosts.js";

const files: Readonly<Record<ChatHost, string>> = {
  "claude-code": ".claude.json",
  codex: ".codex/config.toml",
  opencode: ".config/opencode/opencode.json",
};

/** As a person would write it: pyro by its name, an older Node, a home of pyro's that has moved. */
const handMade: Readonly<Record<ChatHost, string>> = {
  "claude-code":
    '{\n  "theme": "dark",\n  "mcpServers": {\n    "other": { "command": "/bin/true" },\n    "pyro": { "command": "/opt/node-18/bin/node", "args": ["pyro.js", "mcp", "serve", "--mode", "inspect"], "timeout": 90000 }\n  }\n}\n',
  codex:
    '# mine\nmodel = "x"\n\n[mcp_servers.other] # theirs\ncommand = "/bin/true"\n\n[mcp_servers.pyro] # inspect only\ncommand = "/opt/node-18/bin/node"\nargs = ["pyro.js", "mcp", "serve", "--mode", "inspect"]\nstartup_timeout_sec = 20\n',
  opencode:
    '{\n  // mine\n  "mcp": {\n    "other": { "type": "local", "command": ["/bin/true"], "enabled": false },\n    // inspect only\n    "pyro": { "type": "local", "command": ["/opt/node-18/bin/node", "pyro.js", "mcp", "serve", "--mode", "inspect"], "timeout": 9000 },\n  },\n}\n',
};

test.each(chatHosts)(
  "[host-doctor] [host-repair] [host-broken] what is wrong with %s is said, and then put right",
  async (host) => {
    await using user = openConnectUser();
    const steps: string[] = [];
    const pyro = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
      const { code, stdout, stderr } = await user.pyro(args, { env });
      const printed = user.withoutPaths(`${stdout.toString()}${stderr}`.trimEnd());
      steps.push(`\`\`\`console\n$ pyro ${args.join(" ")}\n${printed}\n$ echo $?\n${code}\n\`\`\``);
      return code;
    };
    const title = (text: string) => steps.push(`## ${text}`);

    title("It is not installed");
    const nowhere = { PATH: "/usr/bin:/bin" };
    expect(await pyro(["host", "doctor", host], nowhere)).toBe(69);
    expect(await pyro(["host", "connect", host], nowhere)).toBe(73);

    title("It is not connected");
    expect(await pyro(["host", "doctor", host])).toBe(69);
    expect(await pyro(["host", "connect", host])).toBe(0);
    expect(await pyro(["host", "connect", host])).toBe(0);
    expect(await pyro(["host", "doctor", host])).toBe(0);

    title("An entry that was made by hand has drifted");
    user.write(files[host], handMade[host]);
    steps.push(`The file, with another server and settings of the user's:\n\n\`\`\`\n${handMade[host]}\`\`\``);
    expect(await pyro(["host", "doctor", host])).toBe(69);
    expect(await pyro(["host", "repair", host])).toBe(0);
    const kept = handMade[host].split("\n").filter((line) => !/node-18|pyro\.js/u.test(line));
    const repaired = user.read(files[host]).split("\n");
    expect(kept.filter((line) => !repaired.includes(line))).toEqual([]);

    title("The file is broken");
    const whole = user.read(files[host]);
    const broken = `${whole.trimEnd().slice(0, -1)} =\n`;
    user.write(files[host], broken);
    expect(await pyro(["host", "doctor", host])).toBe(69);
    expect(await pyro(["host", "repair", host])).toBe(73);
    expect(await pyro(["host", "connect", host])).toBe(73);
    expect(user.read(files[host])).toBe(broken);
    steps.push("Corrected by hand:");
    user.write(files[host], whole);
    expect(await pyro(["host", "doctor", host])).toBe(0);
    await keep(host, steps);
  },
);

/** Into the folder that PYRO_TEST_TRANSCRIPTS names. */
async function keep(host: ChatHost, steps: readonly string[]): Promise<void> {
  const folder = process.env["PYRO_TEST_TRANSCRIPTS"];
  if (folder === undefined) return;
  const head = `# \`pyro host doctor ${host}\`, case by case`;
  const how = "Recorded by `make smoke-hosts RECORD=1` with the real host, in a HOME with a blank in its name.";
  const path = join(folder, `${host}-doctor.md`);
  mkdirSync(dirname(path), { recursive: true });
  const page = [head, how, ...steps].join("\n\n");
  writeFileSync(path, await format(page, { parser: "markdown", printWidth: 120, proseWrap: "preserve" }));
}
