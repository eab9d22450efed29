// Proves that imports in src point down only, as docs/architecture.md draws the folders.

import { posix } from "node:path";
import { expect, test } from "vitest";
import { checkoutFiles, type CheckoutFile } from "./checkout.js";

/** From top to bottom; a folder may import from the rows below its own, and from itself. */
const LAYERS = [
  ["surface"],
  ["client"],
  ["daemon"],
  ["operations"],
  ["preparation"],
  ["workspace", "one-shot", "chat-host", "doctor"],
  ["machine"],
  ["process"],
  ["guest"],
  ["engine", "environment", "tree"],
  ["disk"],
  ["base"],
] as const;

/** Libraries that cost start-up time or belong to one concern, and the only folder that may load each (types are free). */
const LIBRARY_OWNERS = [
  { library: "@modelcontextprotocol/server", folder: "src/surface/mcp/" },
  { library: "@modelcontextprotocol/client", folder: "src/chat-host/" },
  { library: "jsonc-parser", folder: "src/chat-host/" },
  { library: "toml-eslint-parser", folder: "src/chat-host/" },
  { library: "@connectrpc/", folder: "src/guest/" },
] as const;

/** What the SDK offers: the projection, and the errors and events of the base. */
const ENTRY = "src/index.ts";
const ENTRY_IMPORTS = /^src\/(surface\/sdk|base)\//;
const TYPE_IMPORT = /^(import|export) type\b[^;]*;/gm;
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g;

const files = checkoutFiles((path) => path.startsWith("src/") && path.endsWith(".ts") && !path.endsWith(".test.ts"));

test("every folder of src has a place in the layers", () => {
  const folders = new Set(files.filter(({ path }) => path !== ENTRY).map(({ path }) => folderOf(path)));
  expect([...folders].filter((folder) => rank(folder) === -1)).toEqual([]);
});

test("imports point down only", () => {
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => target.startsWith("src/") && !mayImport(file.path, target))
      .map((target) => `${file.path} imports ${target}`),
  );
  expect(upward).toEqual([]);
});

test("no file imports, by whatever way, type-only and later ones included, a file that leads back to it", () => {
  const graph = new Map(files.map((file) => [file.path, importsOf(file).filter((path) => path.startsWith("src/"))]));
  expect(circles(graph)).toEqual([]);
});

test("a library is loaded only in the folder that owns it", () => {
  const elsewhere = files.flatMap((file) =>
    importsOf({ ...file, text: file.text.replaceAll(TYPE_IMPORT, "") })
      .filter((target) =>
        LIBRARY_OWNERS.some(({ library, folder }) => target.startsWith(library) && !file.path.startsWith(folder)),
      )
      .map((target) => `${file.path} imports ${target}`),
  );
  expect(elsewhere).toEqual([]);
});

/** Files that can be left out one after the other, since nothing left in the graph is imported by them, are in no circle. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const left = new Map(graph);
  for (let size = -1; size !== left.size;) {
    size = left.size;
    for (const [path, targets] of left) if (!targets.some((target) => left.has(target))) left.delete(path);
  }
  return [...left.keys()];
}

function mayImport(from: string, to: string): boolean {
  if (from === ENTRY) return ENTRY_IMPORTS.test(to);
  if (to === ENTRY) return false;
  const [source, target] = [folderOf(from), folderOf(to)];
  return source === target || rank(source) < rank(target);
}

/** Paths inside the checkout for relative imports, the name as it stands for libraries. */
function importsOf({ path, text }: CheckoutFile): string[] {
  return [...text.matchAll(IMPORT)].flatMap(([, name]) => {
    if (name === undefined) return [];
    if (!name.startsWith(".")) return [name];
    return [posix.join(posix.dirname(path), name).replace(/\.js$/, ".ts")];
  });
}

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function rank(folder: string): number {
  return LAYERS.findIndex((layer) => (layer as readonly string[]).includes(folder));
}
