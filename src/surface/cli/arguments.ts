// Owns turning a command's arguments into its input. Never looks at anything but the arguments and the files they name.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { closest } from "../../base/closest.js";
import { PyroError } from "../../base/error.js";
import { shellWord } from "../../base/shell-word.js";
import { parseInput } from "../../operations/input.js";
import { plannedBy, plannedNames } from "../../operations/planned.js";
import type { Field } from "../../operations/field.js";
import type { Command, Selection, WireInput } from "./command.js";
import { flagName, flagsOf, positionalTitle, positionalsOf, type Flag, type SeveralFlag } from "./flags.js";
import type { Chosen } from "./several.js";

export type Parsed =
  | { readonly kind: "help" }
  | { readonly kind: "input"; readonly input: WireInput; readonly selection: Selection | undefined }
  | { readonly kind: "several"; readonly chosen: Chosen; readonly selection: Selection | undefined };

/** Where texts come from that are not on the command line. */
export interface Texts {
  /** Of a file that a flag names, or of standard input for `-`; throws a PyroError. */
  read(path: string): Promise<string>;
  /** Whether something is piped into standard input. */
  isPiped(): boolean;
}

/** Reads what follows the command's words; throws `invalid_argument` or, for what is planned, `unsupported`. */
export async function parseCommandArguments(command: Command, args: readonly string[], texts: Texts): Promise<Parsed> {
  const flags = flagsOf(command);
  const { own, rest } = split(command, args);
  const given: Given = { values: new Map(), files: new Map(), selections: new Map(), several: new Set() };
  const words: string[] = [];
  for (const token of tokensOf(own, flags)) {
    if (token.kind === "positional") {
      if (rest === undefined && isAfterPlaces(command, words))
        throw restWithoutDashes(command, { own, words, at: token.index });
      words.push(token.value);
    } else if (token.kind === "option") {
      if (token.name === "help" || token.rawName === "-h") return { kind: "help" };
      const flag = flags.find(({ name }) => name === token.name && token.rawName === `--${name}`);
      if (flag === undefined) throw unknownFlag(command, flags, token.rawName);
      take(given, flag, token);
    }
  }
  const others = addPositionals(given, command, words);
  if (command.rest !== undefined) given.values.set(command.rest, requireRest(command, rest));
  const selection = onlySelection(given);
  await addFiles(command, given, texts);
  if (given.several.has("all")) {
    return { kind: "several", chosen: { all: true, yes: given.several.has("yes") }, selection };
  }
  addFallbacks(command, given.values);
  const input = checked(command, given.values);
  if (others.length === 0) return { kind: "input", input, selection };
  const chosen = [input, ...others.map((other) => checked(command, new Map([...given.values, ...other])))];
  return { kind: "several", chosen, selection };
}

function checked(command: Command, values: ReadonlyMap<string, unknown>): WireInput {
  return parseInput(command.input, Object.fromEntries(values), {
    nameOf: (field) => nameForUser(command, field),
    hint: `\`pyro ${command.path.join(" ")} --help\` says what is accepted.`,
  });
}

interface Given {
  /** Field → value. */
  readonly values: Map<string, unknown>;
  /** Field → file that has its text. */
  readonly files: Map<string, string>;
  /** Flag → the part of the result that it chooses. */
  readonly selections: Map<string, Selection>;
  readonly several: Set<SeveralFlag>;
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

function take(given: Given, flag: Flag, token: OptionToken): void {
  const { meaning, name } = flag;
  const text = textOf(flag, token);
  if (meaning.kind === "file") given.files.set(meaning.field.name, text ?? "");
  else if (meaning.kind === "several") given.several.add(meaning.flag);
  else if (meaning.kind === "select") {
    given.selections.set(name, text === undefined ? meaning.selection : { ...meaning.selection, path: text });
  } else {
    const { name: field, kind } = meaning.field;
    given.values.set(field, valueOf({ flag: `--${name}`, kind, text }, given.values.get(field)));
  }
}

/** The flag's value as written; undefined for a switch. */
function textOf({ name, placeholder }: Flag, token: OptionToken): string | undefined {
  if (placeholder === undefined) {
    if (token.value !== undefined) throw usage(`--${name} takes no value.`);
    return undefined;
  }
  // What looks like a flag is one; a patch, which begins with `--- `, is not.
  if (token.value === undefined || (token.inlineValue !== true && /^--[a-z]/u.test(token.value))) {
    throw usage(`--${name} needs a value: --${name} ${placeholder}.`);
  }
  return token.value;
}

interface Written {
  /** With dashes. */
  readonly flag: string;
  readonly kind: Field["kind"];
  readonly text: string | undefined;
}

/** `earlier` is what the same flag gave before: lists and maps grow, of others the last counts. */
function valueOf({ flag, kind, text }: Written, earlier: unknown): unknown {
  if (text === undefined) return true;
  switch (kind) {
    case "integer":
    case "number":
      return toNumber(flag, text);
    case "list":
      return [...(Array.isArray(earlier) ? earlier : []), text];
    case "map": {
      const at = text.indexOf("=");
      if (at < 1) throw usage(`${flag} must be KEY=VALUE, but is ${JSON.stringify(text)}.`);
      const entries = typeof earlier === "object" && earlier !== null ? Object.entries(earlier) : [];
      return Object.fromEntries([...entries, [text.slice(0, at), text.slice(at + 1)]]);
    }
    case "string":
    case "boolean":
    case "object":
    case "any":
      return text;
  }
}

function onlySelection({ selections }: Given): Selection | undefined {
  const [first, second] = [...selections.keys()].map((name) => `--${name}`);
  if (second !== undefined) throw usage(`${first} and ${second} exclude each other.`);
  return [...selections.values()][0];
}

/** Of the flag and its `-file` sibling exactly one must be there. */
async function addFiles(command: Command, { values, files }: Given, texts: Texts): Promise<void> {
  for (const [field, fileFlag] of Object.entries(command.fromFile ?? {})) {
    const both = [`--${flagName(command, field)}`, `--${fileFlag}`] as const;
    const isPiped = command.fromStdin === field && !values.has(field) && texts.isPiped();
    const path = files.get(field) ?? (isPiped ? "-" : undefined);
    if (path === undefined && !values.has(field)) {
      const pipe = command.fromStdin === field ? " It can also be piped in." : "";
      throw usage(`${both.join(" or ")} is missing.`, `Run \`pyro ${command.path.join(" ")} --help\`.${pipe}`);
    }
    if (path === undefined) continue;
    if (values.has(field)) throw usage(`${both.join(" and ")} exclude each other.`);
    // What may be long is read when it is sent.
    if (command.carries?.text === field) {
      values.set(command.carries.file, path === "-" ? path : resolve(path));
      continue;
    }
    const text = await texts.read(path);
    if (text === "" && !files.has(field)) throw usage(`${both.join(" or ")} is missing, and standard input is empty.`);
    values.set(field, text);
  }
}

function toNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw usage(`${name} must be a number, but is ${JSON.stringify(text)}.`);
  return value;
}

/** The next word has no place before `--`. */
function isAfterPlaces(command: Command, words: readonly string[]): boolean {
  return command.rest !== undefined && words.length === positionalsOf(command).length;
}

interface Misplaced {
  readonly own: readonly string[];
  readonly words: readonly string[];
  /** Where in `own` the guest's command begins. */
  readonly at: number;
}

function restWithoutDashes(command: Command, { own, words, at }: Misplaced): PyroError {
  const start = ["pyro", ...command.path, ...words].map(shellWord).join(" ");
  return usage(
    `Unexpected argument ${JSON.stringify(own[at])}.`,
    `Commands for the guest follow \`--\`: ${start} -- ${own.slice(at).map(shellWord).join(" ")}`,
  );
}

/** Returns what the last field is in each further call, where the command takes several. */
function addPositionals(
  { values, several }: Given,
  command: Command,
  words: readonly string[],
): readonly ReadonlyMap<string, unknown>[] {
  const fields = positionalsOf(command);
  const further = [...new Set(words.slice(fields.length))].filter(
    (word) => !words.slice(0, fields.length).includes(word),
  );
  if (further.length > 0 && command.several === undefined) {
    throw usage(`Unexpected argument ${JSON.stringify(further[0])}.`, `Run \`pyro ${command.path.join(" ")} --help\`.`);
  }
  if (several.has("all")) {
    if (words.length > 0) throw usage(`--all and ${JSON.stringify(words[0])} exclude each other.`);
    return [];
  }
  for (const [index, field] of fields.entries()) {
    const word = words[index];
    if (word !== undefined) values.set(field.name, valueAt(command, field, word));
    else if (field.required) {
      throw usage(`${positionalTitle(field)} is missing.`, `Run \`pyro ${command.path.join(" ")} --help\`.`);
    }
  }
  const last = fields.at(-1);
  return last === undefined ? [] : further.map((word) => new Map([[last.name, valueAt(command, last, word)]]));
}

function valueAt({ alsoMeant }: Command, field: Field, word: string): unknown {
  if (field.kind === "integer") return toNumber(positionalTitle(field), word);
  return Object.entries(alsoMeant?.[field.name] ?? {}).find(([typed]) => typed === word)?.[1] ?? word;
}

function addFallbacks({ fallbacks = {} }: Command, values: Map<string, unknown>): void {
  for (const [field, { of }] of Object.entries(fallbacks)) {
    if (!values.has(field)) values.set(field, of(Object.fromEntries(values)));
  }
}

function requireRest(command: Command, rest: readonly string[] | undefined): readonly string[] {
  if (rest !== undefined && rest.length > 0) return rest;
  const start = ["pyro", ...command.path, ...positionalsOf(command).map(positionalTitle)].join(" ");
  throw usage("The command for the guest is missing.", `It follows \`--\`, such as: ${start} -- git --version`);
}

function unknownFlag(command: Command, flags: readonly Flag[], rawName: string): PyroError {
  const path = command.path.join(" ");
  const typed = command.alsoTyped?.[rawName.slice(1)];
  const full = typed === undefined ? rawName : `--${typed}`;
  const brings = plannedBy("flags", `${path} ${full}`);
  if (brings !== undefined) {
    const is = full === rawName ? "is" : `would be ${full}, which is`;
    return new PyroError("unsupported", `${rawName} ${is} not built yet.`, {
      hint: `It is planned with ${brings}; leave it out until then.`,
    });
  }
  const ahead = plannedNames("flags").flatMap((name) =>
    name.startsWith(`${path} --`) ? [name.slice(path.length + 1)] : [],
  );
  const meant =
    typed === undefined
      ? closest(rawName, [...flags.map(({ name }) => `--${name}`), ...ahead, "--json", "--help"])
      : full;
  const help = `\`pyro ${command.path.join(" ")} --help\` lists the flags.`;
  return usage(`Unknown flag ${rawName}.`, meant === undefined ? help : `Did you mean ${meant}? ${help}`);
}

function nameForUser(command: Command, field: string): string {
  const positional = positionalsOf(command).find(({ name }) => name === field);
  if (positional !== undefined) return positionalTitle(positional);
  return field === command.rest ? "COMMAND" : `--${flagName(command, field)}`;
}

function usage(message: string, hint?: string): PyroError {
  return new PyroError("invalid_argument", message, hint === undefined ? {} : { hint });
}
