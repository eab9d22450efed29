// Owns the help texts, all derived from the commands. Never ends with a newline.
import { shortWords } from "../../operations/command-words.gen.js";
import { plannedBy, plannedNames } from "../../operations/planned.js";
import type { Field } from "../../operations/field.js";
import type { Command } from "./command.js";
import { nextWords } from "./command.js";
import { flagsOf, placesOf, positionalTitle, positionalsOf, type Flag } from "./flags.js";

const steps: readonly (readonly [command: string, what: string])[] = [
  ["doctor", "check that this machine can run virtual machines"],
  ["prepare debian:12", "install and warm an environment"],
  ["run debian:12 -- git --version", "one command in a fresh virtual machine"],
  ["mcp serve", "serve MCP tools to a chat host"],
  ["host connect claude-code", "register that server with the host"],
];

/** Help of `pyro` itself and of words that only group commands. */
export function groupHelp(commands: readonly Command[], words: readonly string[]): string {
  const start = ["pyro", ...words].join(" ");
  const listed = nextWords(commands, words).flatMap((word) => below(commands, [...words, word]));
  const sections = [
    `Usage: ${start} COMMAND`,
    ...(words.length === 0
      ? ["Disposable virtual machines for coding agents.", `The way in:\n${table(steps.map(step))}`]
      : []),
    `Commands:\n${table(listed.filter(({ brings }) => brings === undefined).map(({ usage, summary }) => [usage, summary]))}`,
    plannedSection(listed, words.length + 1),
    ...(words.length === 0
      ? [
          `Short words: ${Object.entries(shortWords)
            .map((pair) => pair.join(" = "))
            .join(", ")}.`,
        ]
      : []),
    `\`${["pyro", "help", ...words].join(" ")} COMMAND\` says more. Every command takes --json.`,
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

export function commandHelp(command: Command): string {
  const path = command.path.join(" ");
  const flags = flagsOf(command);
  const positionals = positionalsOf(command).map(
    (field) => [positionalTitle(field), withDefault(field.description, field.default)] as const,
  );
  const rest =
    command.rest === undefined ? [] : [["COMMAND...", "What the guest runs, passed through untouched."] as const];
  const ahead = plannedNames("flags").filter((name) => name.startsWith(`${path} --`));
  const sections = [
    `Usage: ${usageLine(command)}`,
    command.summary,
    section("Arguments", [...positionals, ...rest]),
    section("Flags", [
      ...flags.map(flagRow),
      ["--json", "One JSON document on standard output, also for errors."],
      ["-h, --help", "This text."],
    ]),
    section(
      "Planned",
      ahead.map((name) => [name.slice(path.length + 1), `With ${plannedBy("flags", name) ?? ""}.`]),
    ),
    command.notes.join("\n"),
  ];
  return sections.filter((each) => each !== "").join("\n\n");
}

/** Such as `pyro run ENV [flags] -- COMMAND...`. */
export function usageLine(command: Command): string {
  const flags = flagsOf(command).length === 0 ? [] : ["[flags]"];
  const rest = command.rest === undefined ? [] : ["--", "COMMAND..."];
  return ["pyro", ...command.path, ...placesOf(command), ...flags, ...rest].join(" ");
}

function flagRow({ name, placeholder, repeated, description, default: value }: Flag): readonly [string, string] {
  const shown = placeholder === undefined ? `--${name}` : `--${name} ${placeholder}${repeated ? "..." : ""}`;
  return [shown, withDefault(description, value)];
}

function withDefault(description: string, value: Field["default"]): string {
  return value === undefined || value === false ? description : `${description} (default ${String(value)})`;
}

interface Listed {
  readonly usage: string;
  readonly summary: string;
  readonly brings: string | undefined;
}

/** The command at `words`, and everything below it. */
function below(commands: readonly Command[], words: readonly string[]): readonly Listed[] {
  const path = words.join(" ");
  const command = commands.find((each) => each.path.join(" ") === path);
  const brings = plannedBy("commands", path);
  const here = [
    ...(command === undefined
      ? []
      : [{ usage: usageLine(command).slice("pyro ".length), summary: command.summary, brings: undefined }]),
    ...(brings === undefined ? [] : [{ usage: path, summary: "", brings }]),
  ];
  return [...here, ...nextWords(commands, words).flatMap((word) => below(commands, [...words, word]))];
}

/** By what brings them; `depth` words of each, so that a group that is planned as a whole is one entry. */
function plannedSection(listed: readonly Listed[], depth: number): string {
  const groups = new Map<string, Set<string>>();
  for (const { usage, brings } of listed) {
    if (brings === undefined) continue;
    const shown = isWholeGroupPlanned(listed, firstWords(usage, depth)) ? firstWords(usage, depth) : usage;
    groups.set(brings, (groups.get(brings) ?? new Set()).add(shown));
  }
  const lines = [...groups].map(([brings, usages]) => `  ${brings}: ${[...usages].join(", ")}`);
  return lines.length === 0 ? "" : `Planned, not built yet:\n${lines.join("\n")}`;
}

function isWholeGroupPlanned(listed: readonly Listed[], group: string): boolean {
  return listed.every(({ usage, brings }) => brings !== undefined || !`${usage} `.startsWith(`${group} `));
}

function firstWords(text: string, count: number): string {
  return text.split(" ").slice(0, count).join(" ");
}

function step([command, what]: readonly [string, string], index: number): readonly [string, string] {
  const words = command.split(" ");
  const brings =
    plannedBy("commands", words.slice(0, 1).join(" ")) ?? plannedBy("commands", words.slice(0, 2).join(" "));
  return [`${index + 1}. pyro ${command}`, brings === undefined ? what : `${what} (planned)`];
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  return rows.length === 0 ? "" : `${title}:\n${table(rows)}`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join("\n");
}
