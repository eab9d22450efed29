// Writes docs/reference and the generated parts of docs/contract.md from the operation table, below the folder given as argument.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { importSource } from "./import-source.mjs";
import { root } from "./step.mjs";

const target = process.argv[2] ?? root;

const { contractPage, referencePages } = await importSource([
  'export { referencePages } from "./src/surface/docs/reference.js";',
  'export { contractPage } from "./src/surface/docs/contract-page.js";',
]);
const reference = join(target, "docs", "reference");
mkdirSync(reference, { recursive: true });
for (const [name, text] of referencePages()) writeFileSync(join(reference, name), text);
const contract = join("docs", "contract.md");
writeFileSync(join(target, contract), contractPage(readFileSync(join(root, contract), "utf8")));
