// Proves that short words mean the words of commands where these stand, and nothing anywhere else.
import { expect, test } from "vitest";
import { writtenOut } from "../../../../src/surface/cli/words.js";

test.each([
  ["ws ls", "workspace list"],
  ["ws ls --json", "--json workspace list"],
  ["ws rm fix", "workspace delete fix"],
  ["ws --json rm fix", "--json workspace delete fix"],
  ["ws file ls fix", "workspace file list fix"],
  ["env ls", "env list"],
  ["env rm old", "env delete old"],
  ["ws exec fix -- ls", "workspace exec fix -- ls"],
  ["help", "--help"],
  ["help ws rm", "workspace delete --help"],
  ["ws help", "workspace --help"],
  ["ws help rm", "workspace delete --help"],
  ["help run --json", "--json run --help"],
  ["version", "--version"],
  ["-v", "--version"],
  ["--json version", "--json --version"],
])("`%s` is `%s`", (typed, full) => {
  expect(writtenOut(typed.split(" ")).join(" ")).toBe(full);
});

test.each([
  ...[
    "workspace delete ls",
    "workspace delete rm",
    "workspace status ws",
    "workspace exec help -- help",
    "run ls",
    "ls",
  ],
  ...[
    "workspace file read fix help",
    "workspace logs version",
    "workspace create -v",
    "prepare version",
    "nonsense ls",
  ],
  ...["run debian:12 -- ws ls --json", "toString", "constructor ls"],
])("`%s` stays as it is", (typed) => {
  expect(writtenOut(typed.split(" ")).join(" ")).toBe(typed);
});
