// Proves that every promise to users has an end-to-end test, and that every end-to-end test keeps a promise that was made.

import { expect, test } from "vitest";
import { requirements } from "../requirements.js";
import { checkoutFiles } from "./checkout.js";

/** A call of `test` or `it`, also of `test.concurrent`, `test.fails`, `test.for(…)`, `test.each(…)`. */
const TEST_CALL = /^\s*(?:test|it)(?:\.\w+)*(?:\([^)]*\))?\(\s*(["'`]?)(.*)/gm;
const CITATIONS = /^(?:\[[a-z0-9-]+\]\s*)+/;

const titles = checkoutFiles((path) => /^test\/(e2e|hosts)\/.*\.test\.ts$/u.test(path)).flatMap(({ path, text }) =>
  [...text.matchAll(TEST_CALL)].map((match) => ({ path, title: match[2] ?? "", quoted: match[1] !== "" })),
);

test("every end-to-end test starts with the promises that it keeps, as [promise-id]", () => {
  const without = titles.filter(({ title, quoted }) => !quoted || !CITATIONS.test(title));
  expect(without.map(({ path, title }) => `${path}: ${title}`)).toEqual([]);
});

test("every promise cited in an end-to-end test exists", () => {
  const unknown = [...citedPromises()].filter((id) => !Object.hasOwn(requirements, id));
  expect(unknown).toEqual([]);
});

test("every promise is kept by an end-to-end test", () => {
  const cited = citedPromises();
  expect(Object.keys(requirements).filter((id) => !cited.has(id))).toEqual([]);
});

function citedPromises(): Set<string> {
  const citations = titles.flatMap(({ title }) => CITATIONS.exec(title)?.[0].match(/[a-z0-9-]+/g) ?? []);
  return new Set(citations);
}
