// Owns what is said where a command expects more around it than it has: a terminal to read from, or a shell. Never runs one.
import { PyroError } from "../../base/error.js";
import { shellWord } from "../../base/shell-word.js";
import { plannedBy } from "../../operations/planned.js";

/** Of a program that reads what to do from its input where nothing else says it: what of its arguments leaves that so. */
interface Asker {
  readonly names: RegExp;
  /** With other arguments it has what to do. */
  readonly stays: RegExp;
  /** Gives it that on the command line, after its name. */
  readonly instead: readonly string[];
}

const none = /^(?!)/u;

const askers: readonly Asker[] = [
  {
    names: /^(ba|da|z|k|mk|a|fi|c|tc)?sh$/u,
    stays: /^(-[lis]+|--(login|interactive|norc|noprofile|no-rcs|posix|private))$/u,
    instead: ["-c", "ls | wc -l"],
  },
  { names: /^(python|pypy)[\d.]*$/u, stays: /^(-|-[iqubBEIsS]+)$/u, instead: ["-c", "print(6 * 7)"] },
  { names: /^(node|nodejs)$/u, stays: /^(-|-i|--interactive)$/u, instead: ["-p", "6 * 7"] },
  { names: /^(ruby|perl)$/u, stays: /^(-|-w)$/u, instead: ["-e", "print 6 * 7"] },
  { names: /^php$/u, stays: /^(-a|--interactive)$/u, instead: ["-r", "echo 6 * 7;"] },
  {
    names: /^(irb|pry|ipython3?|bpython|ghci|iex|jshell|julia|lua[\d.]*|deno|erl|scala|R)$/u,
    stays: none,
    instead: [],
  },
  {
    names: /^psql$/u,
    stays: /^(?!-[^-]*[cflV?]|--(command|file|list|version|help))/u,
    instead: ["-c", "select 1"],
  },
  {
    names: /^(mysql|mariadb)$/u,
    stays: /^(?!-[^-]*[eV?]|--(execute|version|help))/u,
    instead: ["-e", "select 1"],
  },
  { names: /^(sqlite3|redis-cli|mongosh|mongo|ftp|telnet)$/u, stays: none, instead: [] },
];

/** What stands before the command for the guest, such as `pyro workspace exec fix`. */
export interface CommandStart {
  /** Words after `pyro`. */
  readonly path: readonly string[];
  readonly places: readonly string[];
}

/**
 * Throws for a command that has nothing to do but what a person types, where a person would: nothing of a terminal is passed on, so
 * that the next line would go to the host's shell.
 */
export function refuseUnservedTerminal(command: readonly string[], start: CommandStart): void {
  const [program = "", ...args] = withoutEnv(command);
  const name = nameOf(program);
  const asker = askers.find(({ names }) => names.test(name));
  if (asker === undefined || !args.every((arg) => asker.stays.test(arg))) return;
  const brings = plannedBy("flags", `${start.path.join(" ")} --tty`);
  const later = brings === undefined ? "" : ` A terminal comes with --tty, planned with ${brings}.`;
  const how =
    asker.instead.length === 0
      ? "Give it a script, or what to read through a pipe."
      : `Say what to do: ${commandText(start, [name, ...asker.instead])}; or pass it through a pipe.`;
  throw new PyroError(
    "unsupported",
    `\`${command.map(shellWord).join(" ")}\` would read what to do from your terminal, of which nothing is passed on.`,
    { hint: `${how}${later}` },
  );
}

/** What only a shell has, as the first word of a command that then is no program. */
const builtins =
  /^(cd|pushd|popd|export|source|\.|alias|unalias|set|unset|eval|exec|ulimit|umask|shopt|declare|local|trap|type|command|history|jobs|fg|bg|wait|if|for|while|until|case|function|\[\[|\{|\()$/u;
/** Characters that a shell reads, and a program's name hardly has. */
const syntax = /[\s|&;<>()$`"'*?[\]{}~!]|^\w+=/u;

/** The words for a command that was not found, where only a shell would have understood it; undefined for any other. */
export function meantForShell(command: readonly string[], start: CommandStart): string | undefined {
  const [program = ""] = command;
  if (!builtins.test(program) && !syntax.test(program)) return undefined;
  const script = command.length === 1 ? program : command.map(scriptWord).join(" ");
  return `There is no shell around the command: ${commandText(start, ["sh", "-c", script])}`;
}

/** Given apart, `|` and `$HOME` were quoted for this host's shell, and meant for the other. */
function scriptWord(word: string): string {
  return /\s/u.test(word) ? shellWord(word) : word;
}

function commandText({ path, places }: CommandStart, command: readonly string[]): string {
  return ["pyro", ...path, ...places, "--", ...command].map(shellWord).join(" ");
}

function withoutEnv(command: readonly string[]): readonly string[] {
  if (nameOf(command[0] ?? "") !== "env") return command;
  const at = command.findIndex((word, index) => index > 0 && !/^\w+=/u.test(word));
  return at === -1 ? command : command.slice(at);
}

function nameOf(program: string): string {
  return program.slice(program.lastIndexOf("/") + 1);
}
