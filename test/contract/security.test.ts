// Proves that every sentence of SECURITY.md that promises something names the tests that prove it, and that these exist.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { noPromise, sentences } from "../security/sentences.js";

const root = join(import.meta.dirname, "..", "..");

/** In their order, headings left out, without emphasis and line breaks. */
function sentencesOf(markdown: string): readonly string[] {
  const blocks = markdown.split(/\n(?=\n|- |#)/u).map((block) => block.trim());
  return blocks
    .filter((block) => block !== "" && !block.startsWith("#"))
    .map((block) => block.replace(/^- /u, "").replaceAll(/\s+/gu, " "))
    .map((block) => block.replaceAll(/\*\*|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/gu, ""))
    .flatMap((block) => block.split(/(?<=[.:?!]) (?=[A-Z`])/u));
}

test("every sentence of SECURITY.md stands in test/security/sentences.ts, in its order, and no other does", () => {
  expect(Object.keys(sentences)).toEqual(sentencesOf(readFileSync(join(root, "SECURITY.md"), "utf8")));
});

test("every test that proves a sentence exists", () => {
  const proofs = Object.values(sentences).flatMap((proof) => (proof === noPromise ? [] : proof));
  const lost = proofs.filter((proof) => {
    const [file = "", ...name] = proof.split(": ");
    const path = join(root, file);
    if (!existsSync(path)) return true;
    const text = readFileSync(path, "utf8");
    const title = name.join(": ");
    return !text.includes(file.endsWith(".go") ? `func ${title}(` : JSON.stringify(title));
  });
  expect(lost).toEqual([]);
});

test("no sentence that promises something does without a test", () => {
  expect(Object.entries(sentences).filter(([, proof]) => proof !== noPromise && proof.length === 0)).toEqual([]);
});
