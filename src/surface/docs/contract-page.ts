// Owns the parts of docs/contract.md that follow from the table: what can be called, by which names. Never writes its prose.
import { PyroError } from "../../base/error.js";
import { profiles, type Operation } from "../../operations/operation.js";
import { planned, plannedBy } from "../../operations/planned.js";
import { modes } from "../../operations/serve-choices.js";
import { operations, shortWords } from "../../operations/table.js";
import type { Command } from "../cli/command.js";
import { allCommands } from "../cli/commands.js";
import { exitCodes } from "../cli/exit.js";
import { flagsOf, placesOf, type Flag } from "../cli/flags.js";
import { modeShapes } from "../mcp/modes.js";
import { toolsOf } from "../mcp/tools.js";

/** The document with each of its named blocks (```cli and so on) as the table has it; throws where one is missing. */
export function contractPage(document: string): string {
  let page = document;
  for (const [name, lines] of blocks()) {
    const block = new RegExp(`^(\`\`\`${name}\\n)[^]*?(^\`\`\`$)`, "mu");
    if (!block.test(page)) throw new PyroError("failed_precondition", `The contract has no block ${name}.`);
    page = page.replace(block, (_whole, head: string, tail: string) => `${head}${lines.join("\n")}\n${tail}`);
  }
  return page;
}

function blocks(): ReadonlyMap<string, readonly string[]> {
  return new Map([
    [
      "cli",
      allCommands()
        .filter(({ hidden }) => hidden !== true)
        .map(commandLine),
    ],
    ["words", Object.entries(shortWords).map(([short, word]) => `${short} = ${word}`)],
    ["profiles", profileLines()],
    ["modes", modes.map((mode) => `${mode}${plannedMark("modes", mode)}: ${modeShapes[mode].tools.join(" ")}`)],
    ["sdk", ["createServer", ...operations.flatMap(({ sdk }: Operation) => sdk ?? []), "workspace"]],
    ["errors", Object.entries(exitCodes).map(([code, exit]) => `${code} ${exit}`)],
    ["planned", planned.flatMap(plannedLines)],
  ]);
}

/** Such as `run ENV --vcpu-count=1 --network -- COMMAND...`. */
function commandLine(command: Command): string {
  const rest = command.rest === undefined ? [] : ["--", "COMMAND..."];
  return [...command.path, ...placesOf(command), ...flagsOf(command).map(flagText), ...rest].join(" ");
}

function flagText({ name, repeated, default: value }: Flag): string {
  const isShown = value !== undefined && value !== false && value !== "";
  return `--${name}${isShown ? `=${String(value)}` : ""}${repeated ? "…" : ""}`;
}

/** Each with what it adds to those before it. */
function profileLines(): readonly string[] {
  const told = new Set<string>();
  return profiles.map((profile, index) => {
    const names = toolsOf({ profile }).map(({ tool }) => tool.name);
    const added = names.filter((name) => !told.has(name));
    for (const name of names) told.add(name);
    return [`${profile}${plannedMark("profiles", profile)}:`, ...(index === 0 ? [] : ["+"]), ...added].join(" ");
  });
}

function plannedMark(kind: "profiles" | "modes", name: string): string {
  return plannedBy(kind, name) === undefined ? "" : " (planned)";
}

function plannedLines({ brings, ...names }: (typeof planned)[number]): readonly string[] {
  return Object.entries(names).map(([kind, list]) => `${brings}: ${kind}: ${list.join(", ")}`);
}
