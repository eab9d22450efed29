// Proves which commands are refused where a person would type into them, and which are told that there is no shell around them.
import { expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { meantForShell, refuseUnservedTerminal } from "../../../../src/surface/cli/unserved-terminal.js";

const start = { path: ["workspace", "exec"], places: ["fix"] };

function refusal(line: string): PyroError | undefined {
  try {
    refuseUnservedTerminal(line.split(" "), start);
    return undefined;
  } catch (error) {
    if (error instanceof PyroError) return error;
    throw error;
  }
}

test.each([
  ...[
    "sh",
    "bash",
    "zsh",
    "dash",
    "fish",
    "/bin/bash",
    "bash -l",
    "bash -il",
    "sh -i",
    "bash --norc",
    "env A=1 bash -l",
  ],
  ...[
    "python3",
    "python3.12",
    "/usr/bin/python3 -i",
    "python3 -q -u",
    "node",
    "node -i",
    "irb",
    "ruby",
    "perl",
    "php -a",
  ],
  ...["psql", "psql -h db -U me shop", "mysql shop", "sqlite3", "redis-cli", "lua5.4", "ghci"],
])("`%s` is refused: its lines would come from the terminal", (line) => {
  expect(refusal(line)?.code).toBe("unsupported");
});

test.each([
  ...["bash -c true", "bash -lc true", "sh build.sh", "bash --version", "dash -ec true", "bash -l build.sh"],
  ...["python3 -c 1", "python3 -m http.server", "python3 x.py", "python3 -V", "python3 -m pdb x.py", "env"],
  ...["node -e 1", "node x.js", "node --test", "node --version", "ruby -v", "perl -pe 1", "php x.php", "env A=1"],
  ...["psql -c x", "psql -Atc x", "psql --command=x shop", "psql --version", "mysql -e x shop", "sqlite3 a.db .dump"],
  ...["cat", "ls", "git log", "npm test", "npm init", "bashful", "make", "read"],
])("`%s` runs", (line) => expect(refusal(line)).toBe(undefined));

test("the refusal says what to type instead, and what will bring a terminal", () => {
  const { message, hint } = refusal("/bin/bash -l") ?? {};
  expect([message, hint]).toEqual([
    "`/bin/bash -l` would read what to do from your terminal, of which nothing is passed on.",
    "Say what to do: pyro workspace exec fix -- bash -c 'ls | wc -l'; or pass it through a pipe. A terminal comes with --tty, " +
      "planned with snapshots, shells, services, secrets and disks of workspaces.",
  ]);
});

test.each([
  [["ls | wc -l"], "sh -c 'ls | wc -l'"],
  [["cd src"], "sh -c 'cd src'"],
  [["cd", "src"], "sh -c 'cd src'"],
  [["cd", "src", "&&", "make"], "sh -c 'cd src && make'"],
  [["CI=1", "make", "test"], "sh -c 'CI=1 make test'"],
  [["~/bin/tool"], "sh -c '~/bin/tool'"],
  [["source", "my env/bin/activate"], `sh -c 'source '\\''my env/bin/activate'\\'''`],
])("%j was meant for a shell", (command, shown) => {
  expect(meantForShell(command, start)).toBe(
    `There is no shell around the command: pyro workspace exec fix -- ${shown}`,
  );
});

test.each([[["maek"]], [["/opt/x-1.2/bin/tool", "*"]], [["g++", "a b"]], [["./run"]]])("%j was no shell's", (command) =>
  expect(meantForShell(command, start)).toBe(undefined),
);
