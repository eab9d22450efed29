// Owns the reference of the command line. Never says what the help does not.
import { allCommands } from "../cli/commands.js";
import { commandHelp, groupHelp } from "../cli/help.js";
import { code, page } from "./markdown.js";

export function cliPage(): string {
  const commands = allCommands();
  const shown = commands.filter(({ hidden }) => hidden !== true);
  return page("Command line", [
    "What `pyro --help` and `--help` of every command say.",
    code("text", groupHelp(commands, [])),
    ...shown.flatMap((command) => [`## pyro ${command.path.join(" ")}`, code("text", commandHelp(command))]),
    "## Examples",
    code(
      "console",
      [
        "$ pyro run debian:12 -- git --version",
        "git version 2.39.5",
        "$ tar c src | pyro run debian:12 -- sh -c 'tar x && python3 -m compileall -q src' && echo compiled",
        "$ pyro run --mem-mib 2048 --timeout-seconds 60 --json debian:12 -- sh -c 'echo out; exit 3' | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"exit_code\"])'",
        "3",
        "$ pyro env list --json",
        "$ pyro workspace create --seed-path . --name demo",
        "$ pyro workspace exec demo -- git status --short",
        "$ pyro workspace patch apply demo --patch-file - < fix.patch",
        "$ pyro workspace diff demo | git apply --whitespace=nowarn",
        "$ pyro workspace delete demo",
      ].join("\n"),
    ),
  ]);
}
