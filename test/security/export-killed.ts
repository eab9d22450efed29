// Owns an export that the environment can have die at a crash point, for the tests of what is left then. Never cleans up.
import { extractExport } from "../../src/tree/export/extract.js";
import { openExports } from "../../src/tree/export/exports.js";
import { streamOf, tarOf } from "../unit/tree/export/tar.js";

const [state = "", target = "", kind = ""] = process.argv.slice(2);
const exports = await openExports(state);
const folder = [
  { name: "d/", type: "5", mode: 0o755 },
  { name: "d/f", content: "new" },
];
await extractExport({
  stream: streamOf(tarOf(kind === "folder" ? folder : [{ name: "f", content: "new" }])),
  target,
  contentOnly: false,
  force: true,
  limits: { maxEntries: 100, maxBytes: 1000 },
  allowedRoots: undefined,
  exports,
  signal: new AbortController().signal,
});
