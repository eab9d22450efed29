// Reads the pyro commands out of a shell example. Understands quotes, comments, pipes and redirections, and no more of the shell.

/** The words after `pyro` of each command; with `bare`, lines need no `$ ` in front. */
export function shellCommands(example: string, bare: boolean): readonly (readonly string[])[] {
  const joined = example.replaceAll("\\\n", " ");
  const lines = joined.split("\n").flatMap((line) => (line.startsWith("$ ") ? [line.slice(2)] : bare ? [line] : []));
  return lines.flatMap((line) =>
    simpleCommands(line)
      .map(withoutAssignments)
      .filter(([program]) => program !== undefined && /^(\.\/|npx )?pyro$/u.test(program))
      .map((words) => words.slice(1)),
  );
}

/** Words in quotes, `$(…)`, control operators, redirections with their target, comments, or plain words. */
const token =
  /\s*(?:(#.*$)|(\|\||&&|[|;&])|(\d?>>?(?:&\d)?|<<?)\s*(\S*)|((?:'[^']*'|"[^"]*"|\$\([^)]*\)|[^\s'"|;&<>])+))/uy;

function simpleCommands(line: string): readonly string[][] {
  const commands: string[][] = [[]];
  token.lastIndex = 0;
  for (let match = token.exec(line); match !== null && match[0] !== ""; match = token.exec(line)) {
    const [, , operator, , , word] = match;
    if (operator !== undefined) commands.push([]);
    if (word !== undefined) commands.at(-1)?.push(word.replaceAll(/'([^']*)'|"([^"]*)"/gu, "$1$2"));
  }
  return commands;
}

/** Without `NAME=value` in front. */
function withoutAssignments(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !/^[A-Z_]+=/u.test(word));
  return first === -1 ? [] : words.slice(first);
}
