// Proves that nothing is offered that nobody takes: what is no longer used is deleted, not kept.

import { expect, test } from "vitest";
import { sourceFiles } from "./checkout.js";

const COMMENT = /\/\*[^]*?\*\/|\/\/.*/gu;
const EXPORTED = /^export (?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type) (\w+)/gmu;
/** What users of the SDK import. */
const ENTRY = "src/index.ts";

const files = sourceFiles().map(({ path, text }) => {
  const code = text.replaceAll(COMMENT, "");
  const words = code.match(/[\w$]+/gu) ?? [];
  return { path, code, words: new Set(words), once: new Set(words.filter(uniqueIn(words))) };
});

function uniqueIn(words: readonly string[]): (word: string) => boolean {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return (word) => counts.get(word) === 1;
}

test("every export of src is used by some file, be it its own", () => {
  const dead = files
    .filter(({ path }) => path.startsWith("src/") && path.endsWith(".ts") && path !== ENTRY)
    .flatMap(({ path, code, once }) =>
      [...code.matchAll(EXPORTED)].flatMap(([, name = ""]) => {
        const isUsed = !once.has(name) || files.some((other) => other.path !== path && other.words.has(name));
        return isUsed ? [] : [`${path}: ${name}`];
      }),
    );
  expect(dead).toEqual([]);
});
