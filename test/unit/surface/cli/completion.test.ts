// Proves what the shells themselves offer, each asked as it asks its scripts, and that no name is ever run or expanded.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { allCommands } from "../../../../src/surface/cli/commands.js";
import { completionNamesCommand } from "../../../../src/surface/cli/completion/names.js";
import type { CommandContext } from "../../../../src/surface/cli/command.js";
import type { Connector } from "../../../../src/surface/connection.js";

const folder = mkdtempSync(join(tmpdir(), "pyro-completion-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ran = join(folder, "ran");
/** Stands where `pyro` does, with names as no daemon would give them. */
const names = ["fix", "fix-login", "$(touch ran)", "`touch ran`", "a b; touch ran", "*", "debian:12", "debian:13"];
writeFileSync(join(folder, "names"), names.map((name) => `${name}\n`).join(""));
writeFileSync(join(folder, "pyro"), `#!/bin/sh\n[ "$1 $2" = "completion names" ] && cat '${folder}/names'\n`);
chmodSync(join(folder, "pyro"), 0o755);

const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}`, HOME: folder, LC_ALL: "C.UTF-8" };

const completion = allCommands().find(({ path }) => path.join(" ") === "completion");

async function scriptFor(shell: string): Promise<string> {
  let written = "";
  const stdout = { write: (text: string) => Promise.resolve(void (written += text)) };
  await completion?.run({ shell }, { stdout } as unknown as CommandContext);
  return written;
}

/** Lines on standard output; a shell that complains has been given what it cannot read. */
function printed(shell: string, args: readonly string[]): readonly string[] {
  const { stdout, stderr } = spawnSync(shell, args, { env, cwd: folder, encoding: "utf8" });
  expect(stderr).toBe("");
  return linesOf(stdout);
}

type Offers = (line: string) => Promise<readonly string[]>;

/** As readline splits a line, and asks. */
const bash: Offers = async (line) => {
  const words = line
    .split(/(?<=[:=])|(?=[:=])| /u)
    .filter((word, index, all) => word !== "" || index === all.length - 1);
  const asking = [
    await scriptFor("bash"),
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}`,
    'compopt() { echo "[$*]"; }; _pyro; printf \'%s\\n\' "${COMPREPLY[@]}"',
  ].join("\n");
  return printed("bash", ["--norc", "-c", asking]);
};

/** With what its completion system brings replaced by what says how it was called; its options are as that sets them. */
const zsh: Offers = async (line) => {
  const words = line.split(" ").map((word) => `'${word}'`);
  const asking = [
    "compdef() { :; }; compset() { prefix=${words[CURRENT]%%=*}=; }; _files() { [[ -o null_glob ]] && echo '[files]'; }; setopt null_glob",
    'compadd() { shift; for each; do [[ $prefix$each == "${words[CURRENT]}"* ]] && print -r -- "$each"; done; }',
    `words=(${words.join(" ")}); CURRENT=${words.length}; prefix=`,
    await scriptFor("zsh"),
    "_pyro",
  ].join("\n");
  return printed("zsh", ["-f", "-c", asking]);
};

const fish: Offers = async (line) => {
  const asking = `${await scriptFor("fish")}\ncomplete -C '${line}'`;
  return printed("fish", ["--no-config", "-c", asking]).map((each) => each.split("\t")[0] ?? "");
};

const shells: Readonly<Record<string, Offers>> = { bash, zsh, fish };

describe.each(Object.entries(shells))("%s", (shell, offers) => {
  const isMissing = spawnSync(shell, ["--version"]).error !== undefined;
  const missing = isMissing ? `${shell} is not installed` : undefined;
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  if (missing !== undefined && process.env["PYRO_REQUIRE"] !== undefined) throw new Error(missing);
  test("commands, flags and names are offered where they belong", async () => {
    expect(await offers("pyro wor")).toEqual(["workspace"]);
    expect((await offers("pyro workspace ")).toSorted()).toEqual(expect.arrayContaining(["create", "exec", "patch"]));
    expect((await offers("pyro ws file ")).toSorted()).toEqual(["list", "read", "write"]);
    expect(await offers("pyro workspace exec --ti")).toEqual(["--timeout-seconds"]);
    expect((await offers("pyro ws exec fi")).toSorted()).toEqual(["fix", "fix-login"]);
    expect(await offers("pyro ws --json exec --timeout-seconds 5 fix-")).toEqual(["fix-login"]);
    expect(await offers("pyro workspace exec fix -- ")).toEqual([]);
    expect(await offers("pyro workspace exec fix --timeout-seconds ")).toEqual([]);
    expect((await offers("pyro ws delete fix fi")).toSorted()).toEqual(["fix", "fix-login"]);
    expect(await offers("pyro host connect cl")).toEqual(["claude-code"]);
    expect(await offers("pyro host connect codex --mode ins")).toEqual(["inspect"]);
    expect(await offers("pyro run --vcpu-count 2 debian:1")).toEqual(
      expect.arrayContaining(shell === "bash" ? ["12", "13"] : ["debian:12", "debian:13"]),
    );
    const afterEquals = await offers("pyro host connect codex --scope=pro");
    expect(afterEquals).toEqual([shell === "fish" ? "--scope=project" : "project"]);
  });

  test("files are offered where a path of the host is wanted", async () => {
    const found = await offers("pyro workspace create --seed-path ");
    const expected = { bash: ["[-o default]"], zsh: ["[files]"], fish: expect.arrayContaining(["names", "pyro"]) };
    expect(found).toEqual(Object.entries(expected).find(([name]) => name === shell)?.[1]);
  });

  test("a name that says a command is text", async () => {
    expect((await offers("pyro ws status ")).length).toBeGreaterThan(names.length - 2);
    expect(spawnSync("ls", [ran]).status).not.toBe(0);
  });
});

describe("the names that a shell asks for", () => {
  const asked = async (kind: string, connector: Partial<Connector>) => {
    let written = "";
    const stdout = { write: (text: string) => Promise.resolve(void (written += text)) };
    const code = await completionNamesCommand.run({ kind }, { stdout, connector } as unknown as CommandContext);
    return { code, names: linesOf(written) };
  };
  const answering = (result: unknown): Partial<Connector> => ({
    find: () => Promise.resolve({ call: () => Promise.resolve(result) }),
  });

  test("are those that the daemon has, and of odd ones none", async () => {
    const workspaces = ["fix", null, "$(id)", "a\nb", "-x", "ü"].map((name, at) => ({
      workspace_id: `ws_${at}`,
      name,
    }));
    expect(await asked("workspaces", answering({ workspaces }))).toEqual({ code: 0, names: ["fix", "ws_1"] });
    const environments = [{ name: "debian:12" }, { name: "my/env:1" }];
    expect((await asked("environments", answering({ environments }))).names).toEqual(
      expect.arrayContaining(["debian:12", "debian:13", "my/env:1"]),
    );
  });

  test("are silent where no daemon runs, and where one answers otherwise", async () => {
    const none = { code: 0, names: [] };
    expect(await asked("workspaces", { find: () => Promise.resolve(undefined) })).toEqual(none);
    expect(await asked("workspaces", answering({ nonsense: 1 }))).toEqual(none);
    expect(await asked("workspaces", { find: () => Promise.reject(new Error("broken")) })).toEqual(none);
    expect((await asked("environments", { find: () => Promise.resolve(undefined) })).names).toContain("debian:12");
  });
});

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
