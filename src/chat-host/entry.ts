// Owns what an entry of ours should look like, and how one differs from that. Never writes.
import { isDeepStrictEqual } from "node:util";
import { maskPasswords } from "../base/mask-passwords.js";
import { isTable, valueAt, type ConfigPath } from "./config-format.js";
import { entryVariables, type ChatHost, type Fields, type ServerEntry } from "./host.js";

export interface Difference {
  /** From the entry down to the field. */
  readonly path: ConfigPath;
  /** Undefined: it is not there, or should not be. */
  readonly was: unknown;
  readonly should: unknown;
}

/** How our server is started, apart from its flags. */
export interface ServerCommand {
  /** Absolute path of the Node that runs pyro. */
  readonly node: string;
  /** Absolute path of pyro.js. */
  readonly script: string;
  /** Variables of ours that are set. */
  readonly env: Readonly<Record<string, string>>;
}

export function serverCommand(node: string, script: string, env: NodeJS.ProcessEnv): ServerCommand {
  const set = entryVariables.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return { node, script, env: Object.fromEntries(set) };
}

/** The entry that serves with these flags of `pyro mcp serve`. */
export function entryWith({ node, script, env }: ServerCommand, flags: readonly string[]): ServerEntry {
  return { command: node, args: [script, "mcp", "serve", ...flags], env };
}

/** The flags of `pyro mcp serve` in a command line; undefined where it is another command. */
export function serveFlagsIn(argv: readonly string[]): readonly string[] | undefined {
  const at = argv.findIndex((word, index) => word === "mcp" && argv[index + 1] === "serve");
  return at === -1 ? undefined : argv.slice(at + 2);
}

/** The fields as a new entry has them: those that are empty are left out. */
export function newFields(host: ChatHost, entry: ServerEntry): Fields {
  const fields = Object.entries(host.fields(entry));
  return Object.fromEntries(fields.filter(([, value]) => !isTable(value) || Object.keys(value).length > 0));
}

/** Each field that is not as it should be; fields and variables that are not ours do not count. */
export function differencesOf(host: ChatHost, was: unknown, wanted: ServerEntry): readonly Difference[] {
  if (!isTable(was)) return [{ path: [], was, should: newFields(host, wanted) }];
  const fields = host.fields(wanted);
  const should: Fields = { ...fields, ...host.defaults, ...fields };
  return Object.entries(should)
    .flatMap(([field, value]): Difference[] => {
      const present = was[field] ?? host.defaults[field];
      if (field !== host.variables || !isTable(present)) {
        return isDeepStrictEqual(present, value) ? [] : [{ path: [field], was: was[field], should: value }];
      }
      return variableDifferences(present, wanted).map(({ path, ...each }) => ({ path: [field, ...path], ...each }));
    })
    .concat(
      host.foreign
        .filter((field) => field in was)
        .map((field) => ({ path: [field], was: was[field], should: undefined })),
    );
}

function variableDifferences(present: Fields, { env }: ServerEntry): readonly Difference[] {
  return entryVariables
    .map((name) => ({ path: [name], was: valueAt(present, [name]), should: env[name] }))
    .filter(({ was, should }) => was !== should);
}

/** Such as `command is "a", should be "b"`. */
export function describeDifference({ path, was, should }: Difference): string {
  const field = path.join(".") || "the entry";
  if (should === undefined) return `${field} is ${shown(was)}, should not be there`;
  return `${field} is ${was === undefined ? "not there" : shown(was)}, should be ${shown(should)}`;
}

function shown(value: unknown): string {
  return maskPasswords(JSON.stringify(value));
}
