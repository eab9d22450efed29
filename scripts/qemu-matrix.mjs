// Runs the heart of the e2e suite under emulation for each combination of Debian's QEMU, Node and guest kernel that is in the table
// of docs/host-requirements.md. Roots, Nodes and kernels are made once, in build/matrix. Changes nothing else on this machine.
// Arguments are words that the names of the wanted cells have, such as `debian-13` and `node-24`.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fetchNode } from "./dist-check/node.mjs";
import { emptyTmp, enter, matrixFolder } from "./qemu-matrix/enter.mjs";
import { distWithKernel, KERNELS } from "./qemu-matrix/kernels.mjs";
import { debianRoot } from "./qemu-matrix/roots.mjs";
import { root as checkout } from "./step.mjs";

/** The oldest Node that package.json accepts, and the lines with long-term support after it. */
const NODES = { 20: "20.19.0", 22: "22.23.5", 24: "24.22.3" };
const SYSTEMS = { 12: "bookworm", 13: "trixie" };
/** Results, streams, saved machines and the pool, a workspace's whole life; each cell runs doctor besides. */
const HEART = ["run-result", "run-streams", "template", "workspace-story"].map((name) => `test/e2e/${name}.test.ts`);
/** Milliseconds for one cell; a busy machine needs about five minutes. */
const CELL_TIMEOUT_MS = 30 * 60_000;

/** Of a cell that came to nothing. */
const NOTHING = { qemu: "?", runs_ms: [], passed: 0, failed: 0, note: "" };

const EMULATION = "emulated, it gets processor flags that no processor sets, and faults; on QEMU 7.2 and 10.0";

/** Each system meets each Node and each guest kernel. A cell with `known` fails for that reason; one that no longer does is a failure. */
const cells = [
  { system: "13", node: "20", kernel: "13" },
  { system: "13", node: "22", kernel: "12" },
  { system: "13", node: "24", kernel: "13" },
  { system: "13", node: "20", kernel: "12-backports", known: EMULATION },
  { system: "12", node: "20", kernel: "12" },
  { system: "12", node: "22", kernel: "13" },
  { system: "12", node: "24", kernel: "13" },
  { system: "12", node: "20", kernel: "12-backports", known: EMULATION },
];
const wordsOf = ({ system, node, kernel }) => [`debian-${system}`, `node-${node}`, `kernel-${kernel}`];
const nameOf = (cell) => wordsOf(cell).join(" ");

const words = process.argv.slice(2).filter((word) => word !== "");
const chosen = cells.filter((cell) => words.every((word) => wordsOf(cell).includes(word)));
if (process.getuid() !== 0) {
  process.stderr.write(
    "The matrix enters roots of other systems, for which it must be root: sudo make smoke-qemu-matrix\n",
  );
  process.exit(77);
}
if (chosen.length === 0) {
  process.stderr.write(`no cell has ${words.join(" and ")}; there are:\n${cells.map(nameOf).join("\n")}\n`);
  process.exit(64);
}

process.stderr.write(`${chosen.length} cells, about ${chosen.length * 4} minutes, and ten more the first time\n`);
const rows = [];
for (const cell of chosen) rows.push(await runCell(cell));
printTable(rows);
const [passed, failed] = ["passed", "failed"].map((key) => rows.reduce((sum, row) => sum + row[key], 0));
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** Never rejects: what stands in the way of a cell is its result. */
async function runCell(cell) {
  const name = nameOf(cell);
  const began = performance.now();
  process.stderr.write(`… ${name}\n`);
  const result = await tryCell(cell).catch((error) => ({ ...NOTHING, failed: 1, note: error.message }));
  const seconds = Math.round((performance.now() - began) / 1000);
  const row = { ...cell, ...asKnown(cell, result), seconds };
  const counts = `${row.passed} passed, ${row.failed} failed  ${seconds} s`;
  process.stderr.write(`${row.failed === 0 ? "✓" : "✗"} ${name}  ${counts}  ${row.note}\n`);
  return row;
}

/** What is known not to work counts as it should: its failures are no news, their absence is. */
function asKnown({ known }, result) {
  if (known === undefined) return result;
  if (result.failed > 0) return { ...result, failed: 0, note: `known not to work: ${known}` };
  return { ...result, failed: 1, note: `works, although it is listed as known not to: ${known}` };
}

async function tryCell({ system, node, kernel }) {
  const nodePath = await fetchNode(NODES[node]);
  const root = await debianRoot(SYSTEMS[system]);
  const buildRoot = await debianRoot(KERNELS[kernel].release);
  const { dist, version } = await distWithKernel(kernel, { root: buildRoot, node: nodePath });
  const results = matrixFolder(checkout, "results", `${system}-${node}-${kernel}`);
  const tmp = matrixFolder(checkout, "tmp");
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  emptyTmp(tmp);
  const show = [
    [checkout, "/checkout"],
    [dist, "/checkout/dist"],
    [join(nodePath, ".."), "/node"],
    [matrixFolder(checkout, "environments", system), "/environments"],
    [results, "/out"],
    [tmp, "/tmp"],
  ];
  const command = ["/node/node", "/checkout/scripts/qemu-matrix/cell.mjs", ...HEART];
  const ended = await enter(root, command, { show, log: join(results, "cell.log"), timeoutMs: CELL_TIMEOUT_MS });
  rmSync(tmp, { recursive: true, force: true });
  const path = join(results, "result.json");
  if (!existsSync(path))
    return { ...NOTHING, failed: 1, version, note: `the cell ended with ${ended}; see ${results}` };
  return { ...JSON.parse(readFileSync(path, "utf8")), version };
}

function printTable(found) {
  const head = ["system", "QEMU", "Node", "guest kernel", "passed", "failed", "runs in ms", "seconds", ""];
  const lines = found.map((row) => [
    `Debian ${row.system}`,
    row.qemu,
    row.node.includes(".") ? row.node : NODES[row.node],
    `${row.version ?? "?"} (${row.kernel})`,
    ...[String(row.passed), String(row.failed), row.runs_ms.join(" "), String(row.seconds), row.note],
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column].length)));
  const print = (line) =>
    process.stdout.write(
      `${line
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd()}\n`,
    );
  process.stdout.write("\n");
  print(head);
  for (const line of lines) print(line);
}
