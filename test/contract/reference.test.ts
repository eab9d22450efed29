// Proves that docs/reference is what the table generates.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { referencePages } from "../../src/surface/docs/reference.js";

const folder = join(import.meta.dirname, "..", "..", "docs", "reference");

test("docs/reference is what `make generate` writes", () => {
  const kept = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")] as const);
  expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(referencePages()));
});
