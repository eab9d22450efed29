// Owns turning a command's arguments into its input. Never looks at anything but the arguments.
import { parseArgs } from "node:util";
import { closest } from "../../base/closest.js";
import { PyroError } from "../../base/error.js";
import { parseInput } from "../../operations/input.js";
import { plannedBy } from "../../operations/planned.js";
import type { Command, WireInput } from "./command.js";
import { flagName, flagsOf, positionalTitle, positionalsOf, type Flag } from "./flags.js";

export type Parsed = { readonly kind: "help" } | { readonly kind: "input"; readonly input: WireInput };

/** Reads what follows the command's words; throws `invalid_argument` or, for what is planned, `unsupported`. */
export function parseCommandArguments(command: Command, args: readonly string[]): Parsed {
  const flags = flagsOf(command);
  const { own, rest } = split(command, args);
  const values: Record<string, unknown> = {};
  const words: string[] = [];
  for (const token of tokensOf(own, flags)) {
    if (token.kind === "positional") words.push(token.value);
    else if (token.kind === "option") {
      if (token.name === "help" || token.rawName === "-h") return { kind: "help" };
      const flag = flags.find(({ name }) => name === token.name && token.rawName === `--${name}`);
      if (flag === undefined) throw unknownFlag(command, flags, token.rawName);
      addValue(values, flag, token);
    }
  }
  addPositionals(values, command, words);
  if (command.rest !== undefined) values[command.rest] = requireRest(command, rest);
  const nameOf = (field: string) => nameForUser(command, field);
  return {
    kind: "input",
    input: parseInput(command.input, values, {
      nameOf,
      hint: `\`pyro ${command.path.join(" ")} --help\` says what is accepted.`,
    }),
  };
}

function split(
  command: Command,
  args: readonly string[],
): { own: readonly string[]; rest: readonly string[] | undefined } {
  const at = command.rest === undefined ? -1 : args.indexOf("--");
  return at === -1 ? { own: args, rest: undefined } : { own: args.slice(0, at), rest: args.slice(at + 1) };
}

function tokensOf(args: readonly string[], flags: readonly Flag[]) {
  const options = Object.fromEntries(
    flags.map(({ name, placeholder }) => [name, { type: placeholder === undefined ? "boolean" : "string" } as const]),
  );
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...options, help: { type: "boolean", short: "h" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens;
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function addValue(values: Record<string, unknown>, { name, field, placeholder }: Flag, token: OptionToken): void {
  if (placeholder === undefined) {
    if (token.value !== undefined) throw usage(`--${name} takes no value.`);
    values[field.name] = true;
    return;
  }
  if (token.value === undefined || (token.inlineValue !== true && token.value.startsWith("--"))) {
    throw usage(`--${name} needs a value: --${name} ${placeholder}.`);
  }
  const isNumber = field.kind === "integer" || field.kind === "number";
  const value = isNumber ? toNumber(`--${name}`, token.value) : token.value;
  const earlier = values[field.name];
  values[field.name] = field.kind === "list" ? [...(Array.isArray(earlier) ? earlier : []), value] : value;
}

function toNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw usage(`${name} must be a number, but is ${JSON.stringify(text)}.`);
  return value;
}

function addPositionals(values: Record<string, unknown>, command: Command, words: readonly string[]): void {
  const fields = positionalsOf(command);
  const extra = words[fields.length];
  if (extra !== undefined) {
    const start = `pyro ${command.path.join(" ")}`;
    throw usage(
      `Unexpected argument ${JSON.stringify(extra)}.`,
      command.rest === undefined
        ? `Run \`${start} --help\`.`
        : `Commands for the guest follow \`--\`: ${start} ${words.slice(0, fields.length).join(" ")} -- ${words.slice(fields.length).join(" ")}`,
    );
  }
  for (const [index, field] of fields.entries()) {
    const word = words[index];
    if (word !== undefined)
      values[field.name] = field.kind === "integer" ? toNumber(positionalTitle(field), word) : word;
    else if (field.required) {
      throw usage(`${positionalTitle(field)} is missing.`, `Run \`pyro ${command.path.join(" ")} --help\`.`);
    }
  }
}

function requireRest(command: Command, rest: readonly string[] | undefined): readonly string[] {
  if (rest !== undefined && rest.length > 0) return rest;
  throw usage(
    "The command for the guest is missing.",
    `It follows \`--\`, such as: pyro ${command.path.join(" ")} debian:12 -- git --version`,
  );
}

function unknownFlag(command: Command, flags: readonly Flag[], rawName: string): PyroError {
  const brings = plannedBy("flags", `${command.path.join(" ")} ${rawName}`);
  if (brings !== undefined) {
    return new PyroError("unsupported", `${rawName} is not built yet.`, {
      hint: `It is planned with ${brings}; leave it out until then.`,
    });
  }
  const meant = closest(rawName, [...flags.map(({ name }) => `--${name}`), "--json", "--help"]);
  const help = `\`pyro ${command.path.join(" ")} --help\` lists the flags.`;
  return usage(`Unknown flag ${rawName}.`, meant === undefined ? help : `Did you mean ${meant}? ${help}`);
}

function nameForUser(command: Command, field: string): string {
  const positional = positionalsOf(command).find(({ name }) => name === field);
  if (positional !== undefined) return positionalTitle(positional);
  return field === command.rest ? "COMMAND" : `--${flagName(field)}`;
}

function usage(message: string, hint?: string): PyroError {
  return new PyroError("invalid_argument", message, hint === undefined ? {} : { hint });
}
