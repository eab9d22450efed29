// Proves that files are called by the words of docs/architecture.md, each of which has one meaning, and by none that fits anything.

import { basename } from "node:path";
import { expect, test } from "vitest";
import { checkoutFiles, sourceFiles } from "./checkout.js";

const section = /^## Words\n([^]*?)^## /mu.exec(
  checkoutFiles((path) => path === "docs/architecture.md")
    .map(({ text }) => text)
    .join(""),
)?.[1];
const rows = [...(section ?? "").matchAll(/^\| ([^|]+) \|[^|]+\| ([^|]+) \|$/gmu)].map(([, word = "", not = ""]) => ({
  words: listed(word),
  not: listed(not),
}));
const ours = new Set(rows.flatMap(({ words }) => words));

/** Words that a row calls wrong; one in brackets has a meaning of its own, and so has one with a row. */
const wrong = rows
  .flatMap(({ not }) => not)
  .filter((word) => /^[a-z]+$/u.test(word) && word !== "not" && !ours.has(word));
const anything = [...(/fits anything: not ([^]*?), and/u.exec(section ?? "")?.[1] ?? "").matchAll(/`(\w+)`/gu)].map(
  ([, word = ""]) => word,
);
const forbidden = new Set([...wrong, ...anything]);

test("the document says which words name no file", () => {
  expect(rows.length).toBeGreaterThan(6);
  expect([...forbidden]).toEqual(
    expect.arrayContaining(["backend", "driver", "upload", "services", "utils", "manager"]),
  );
  // Each of these has a meaning of its own.
  for (const word of ["template", "source", "client", "session", "command"]) expect(forbidden.has(word)).toBe(false);
});

test("no file is called by a word that means something else or anything", () => {
  const found = sourceFiles()
    .map(({ path }) => path)
    .filter((path) => wordsOf(path).some((word) => forbidden.has(word)));
  expect(found).toEqual([]);
});

test("what is called a service is one program that is kept running", () => {
  const found = sourceFiles()
    .map(({ path }) => path)
    .filter((path) => path.startsWith("src/"))
    .filter((path) => wordsOf(path).includes("service") && wordsOf(path).length > 1);
  expect(found).toEqual([]);
});

/** Of the file's own name, without what follows its first dot. */
function wordsOf(path: string): readonly string[] {
  return (basename(path).split(".")[0] ?? "").split(/[-_]/u);
}

/** What a cell lists, each with its brackets. */
function listed(cell: string): readonly string[] {
  return cell.split(/,(?![^(]*\))/u).map((each) => each.trim());
}
