// Lists and reads the files of this checkout for the contract tests, without asking git. Leaves out what is built or installed.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const LEFT_OUT = new Set([".git", "build", "dist", "node_modules"]);
const SOURCE = /\.(ts|mts|mjs|js|go|proto|sh)$/;
const GENERATED = /^(src\/guest\/gen|guest\/internal\/gen|docs\/reference)\//;

/** One file, its path relative to the root of the checkout. */
export type CheckoutFile = { readonly path: string; readonly text: string };

/** Every file of the checkout whose path passes `wanted`, sorted. */
export function checkoutFiles(wanted: (path: string) => boolean = () => true): CheckoutFile[] {
  return pathsUnder(ROOT)
    .filter(wanted)
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

/** Every source file that somebody wrote by hand. */
export function sourceFiles(): CheckoutFile[] {
  return checkoutFiles((path) => SOURCE.test(path) && !GENERATED.test(path));
}

function pathsUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    // In a worktree .git is a file.
    if (LEFT_OUT.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pathsUnder(path);
    return entry.isFile() && !entry.name.endsWith(".log") ? [relative(ROOT, path)] : [];
  });
}
