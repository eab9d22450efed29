// Proves that what follows `--` reaches the guest's program untouched, byte for byte.

import { expect, test } from "vitest";
import { sharedHome } from "./home.js";

const home = sharedHome();

/** Lists its arguments and ends each with a NUL byte. */
const list = ["sh", "-c", 'for each; do printf "%s\\0" "$each"; done', "sh"];

test("[arguments-untouched] odd arguments arrive as they were given", async () => {
  const odd = [
    ...[
      "",
      " ",
      "a b",
      "new\nline",
      "tab\t",
      "\r",
      "'single'",
      '"double"',
      "back\\slash",
      "$HOME",
      "`id`",
      "$(id)",
      "*",
      "~",
    ],
    ...["--json", "--", "--help", "-h", "--mem-mib", "--timeout-seconds=1", "-", "=", "\u{1}\u{7f}"],
    ...["zażółć gęślą jaźń", "日本語", "🚀", "e\u{301}", "\u{feff}bom", "\u{202e}"],
  ];
  const { code, stdout, stderr } = await home.run([...list, ...odd]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.toString().split("\0").slice(0, -1)).toEqual(odd);
});

test("[arguments-untouched] an argument of 100 kB and a thousand arguments arrive whole", async () => {
  const large = "0123456789".repeat(10_000);
  const many = Array.from({ length: 1000 }, (_, index) => `argument ${index}`);
  const { code, stdout } = await home.run([...list, large, ...many]);
  expect([code, stdout.toString().split("\0").slice(0, -1)]).toEqual([0, [large, ...many]]);
});
