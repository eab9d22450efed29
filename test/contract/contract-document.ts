// Reads the machine-readable blocks of docs/contract.md. Checks nothing.
import { readFileSync } from "node:fs";

export interface ContractCommand {
  /** Words after `pyro`, joined by blanks. */
  readonly path: string;
  readonly positionals: readonly string[];
  /** Name with dashes → default as written, "" for none. */
  readonly flags: ReadonlyMap<string, string>;
  readonly repeated: readonly string[];
  readonly takesRest: boolean;
}

export interface ContractDocument {
  readonly commands: readonly ContractCommand[];
  readonly profiles: ReadonlyMap<string, readonly string[]>;
  readonly modes: ReadonlyMap<string, readonly string[]>;
  readonly sdk: readonly string[];
  readonly errors: Readonly<Record<string, number>>;
}

export function readContract(): ContractDocument {
  const text = readFileSync(new URL("../../docs/contract.md", import.meta.url), "utf8");
  const lines = (name: string) => block(text, name).split("\n");
  return {
    commands: lines("cli").map(parseCommand),
    profiles: parseProfiles(lines("profiles")),
    modes: new Map(lines("modes").map(parseList)),
    sdk: lines("sdk").flatMap((line) => line.split(" ")),
    errors: Object.fromEntries(lines("errors").map((line) => [line.split(" ")[0], Number(line.split(" ")[1])])),
  };
}

function block(text: string, name: string): string {
  const found = new RegExp(`^\`\`\`${name}\\n([^]*?)\\n\`\`\`$`, "mu").exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/contract.md has no block ${name}`);
  return found;
}

function parseCommand(line: string): ContractCommand {
  const [own = "", rest] = line.split(" -- ");
  const tokens = own.split(" ");
  const flags = tokens.filter((token) => token.startsWith("--"));
  return {
    path: tokens.filter((token) => /^[a-z]/u.test(token)).join(" "),
    positionals: tokens.filter((token) => /^\[?[A-Z]/u.test(token)),
    flags: new Map(flags.map((flag) => [flag.replace(/[=…].*$/u, ""), /=(.*)$/u.exec(flag)?.[1] ?? ""])),
    repeated: flags.filter((flag) => flag.endsWith("…")).map((flag) => flag.slice(0, -1)),
    takesRest: rest === "COMMAND...",
  };
}

function parseProfiles(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const profiles = new Map<string, readonly string[]>();
  let before: readonly string[] = [];
  for (const [name, tools] of lines.map(parseList)) {
    before = tools[0] === "+" ? [...before, ...tools.slice(1)] : tools;
    profiles.set(name, before);
  }
  return profiles;
}

function parseList(line: string): readonly [string, readonly string[]] {
  const [name = "", list = ""] = line.split(": ");
  return [name, list.split(" ")];
}
