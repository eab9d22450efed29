// Proves what a person at a terminal meets: nothing typed goes astray, words that hands know work, and what was meant is said.

import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHome, sharedHome, type Home } from "./home.js";

/** Runs `pyro ARGS` with a terminal as its input and output. */
async function onTerminal({ shell }: Pick<Home, "shell">, args: readonly string[], typed = "") {
  const words = args.map((arg) => `'${arg}'`).join(" ");
  // `script` of util-linux has the pseudo-terminal that Node lacks.
  const script = `script --quiet --return --command "$(printf '%q ' "$@") ${words}" /dev/null`;
  const { code, stdout } = await shell(script, { stdin: Buffer.from(typed) });
  return { code, shown: stdout.toString().replaceAll("\r\n", "\n") };
}

test("[terminal-input] what would only read from the terminal is refused before it starts, everything else runs without it", async () => {
  await using fresh = openHome();
  for (const args of [
    ["run", "debian:12", "--", "bash"],
    ["workspace", "exec", "fix", "--", "python3", "-q"],
  ]) {
    const { code, shown } = await onTerminal(fresh, args);
    expect({ code, shown }).toEqual({ code: 64, shown: expect.stringContaining("would read what to do from your") });
  }
  expect(await onTerminal(fresh, ["workspace", "exec", "-it", "fix", "--", "bash"])).toMatchObject({ code: 64 });
  expect(fresh.processes()).toEqual([]);
  expect(await onTerminal(sharedHome(), ["run", "debian:12", "--", "cat"])).toMatchObject({ code: 0 });
  expect(await sharedHome().run(["bash"], { stdin: Buffer.from("echo read $((6 * 7))\n") })).toMatchObject({
    code: 0,
    stdout: Buffer.from("read 42\n"),
  });
});

test("[short-words] short words and `help` work, and of unknown ones the nearest command is named", async () => {
  await using fresh = openHome();
  const said = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await fresh.pyro(args);
    return [code, stdout.toString().split("\n")[0], stderr.split("\n")[1]?.trim()];
  };
  expect(await said(["help", "ws", "rm"])).toEqual([
    0,
    expect.stringMatching(/^Usage: pyro workspace delete ID/u),
    undefined,
  ]);
  expect(await said(["version"])).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+/u), undefined]);
  expect(await said(["-v"])).toEqual(await said(["--version"]));
  const meant = async (line: string) => (await said(line.split(" "))).filter((_, index) => index !== 1);
  expect(await meant("exec fix -- ls")).toEqual([64, "Did you mean `pyro workspace exec`? Run `pyro --help`."]);
  expect(await meant("workspace exce fix")).toEqual([
    64,
    "Did you mean `pyro workspace exec`? Run `pyro workspace --help`.",
  ]);
  expect(await meant("wrkspace ls")).toEqual([64, "Did you mean `pyro workspace`? Run `pyro --help`."]);
  expect(await meant("patch apply fix")).toEqual([64, "Did you mean `pyro workspace patch apply`? Run `pyro --help`."]);
  expect(await meant("host print-config claude --mod inspect")).toEqual([
    64,
    "Did you mean --mode? `pyro host print-config --help` lists the flags.",
  ]);
  expect(await said(["host", "print-config", "claude"])).toEqual([0, "{", undefined]);
  expect(fresh.processes()).toEqual([]);
});

test("[delete-several] all workspaces are deleted after a question, and what is piped in is a patch", async () => {
  await using home = openHome();
  for (const name of ["one", "two"]) await home.pyro(["ws", "create", "--name", name]);
  const patch = Buffer.from("--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+hello\n");
  expect(await home.pyro(["ws", "patch", "apply", "one"], { stdin: patch })).toMatchObject({ code: 0, stderr: "" });
  const cwd = mkdtempSync(join(home.path, "exported-"));
  for (const code of [0, 73]) {
    expect(await home.pyro(["ws", "export", "one", "new.txt"], { cwd })).toMatchObject({ code });
    expect(readFileSync(join(cwd, "new.txt"), "utf8")).toBe("hello\n");
  }
  const { shown: diff } = await onTerminal(home, ["ws", "diff", "one"]);
  expect(diff).toContain("\u001b[32m+hello\u001b[0m\n");
  expect((await home.pyro(["ws", "rm", "--all"])).code).toBe(64);
  const names = await home.pyro(["completion", "names", "workspaces"]);
  expect(names.stdout.toString().split("\n").toSorted()).toEqual(["", "one", "two"]);
  const { code, shown } = await onTerminal(home, ["ws", "rm", "--all"], "y\n");
  expect([code, shown]).toEqual([
    0,
    expect.stringMatching(/This deletes 2 workspaces:[^]*one [^]*two [^]*Deleted ws_[^]*Deleted ws_/u),
  ]);
  expect((await home.pyro(["ws", "ls"])).stdout.toString()).toBe("No workspaces.\n");
});

test("[terminal-input] a time-out and a command that was meant for a shell are explained in one line", async () => {
  const home = sharedHome();
  const late = await home.pyro(["run", "--timeout-seconds", "1", "debian:12", "--", "sleep", "60"]);
  expect([late.code, late.stderr]).toEqual([
    124,
    "pyro: The command ended with exit code 124: timed out. --timeout-seconds gives it more than 1 s.\n",
  ]);
  const shell = await home.run(["ls | wc -l"]);
  expect([shell.code, shell.stderr]).toEqual([
    127,
    "pyro: ls | wc -l: not found\npyro: There is no shell around the command: pyro run debian:12 -- sh -c 'ls | wc -l'\n",
  ]);
});
