// Proves that attributes written to be slow hold up nothing else of the process.

import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { trustedPath } from "../../../../src/tree/byte-path.js";
import { openConversions } from "../../../../src/tree/git/conversions.js";

test("other work gets its turn while many rules are matched with many files", async () => {
  const rules = Array.from({ length: 5000 }, (_, at) => `**/*a*b*c*d*${at}*e* text`).join("\n");
  const paths = Array.from({ length: 60 }, (_, at) => trustedPath(`${"a/".repeat(40)}aaaabbbbccccdddd${at}.txt`));
  const conversions = await openConversions({
    read: async (path) => (path === ".gitattributes" ? Buffer.from(rules) : undefined),
    files: paths.map((path) => ({ paths: [path], read: path, written: path })),
    signal: new AbortController().signal,
  });
  const work = { isDone: false };
  const all = (async () => {
    for (const path of paths) await conversions.reading(path);
    work.isDone = true;
  })();
  let turns = 0;
  for (; !work.isDone && turns < 1_000_000; turns += 1) await nextTurn();
  await all;
  expect(turns).toBeGreaterThan(3);
});
