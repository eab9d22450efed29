// Owns which of the names that a header may mean is the one, by what is there. Never guesses between two that are.
import { PyroError } from "../../base/error.js";
import { type BytePath, displayPath } from "../byte-path.js";
import { checkPath } from "./patch-path.js";
import type { FilePatch } from "./patch-text.js";
import type { WorkingTree } from "./working-tree.js";

export type CheckedPatch = FilePatch & {
  readonly oldPath: BytePath | undefined;
  readonly newPath: BytePath | undefined;
};

/** git's reading where its file is there; else another name of the same lines whose file is. */
export async function settleNames(tree: WorkingTree, file: FilePatch): Promise<CheckedPatch> {
  if (file.rivalName === undefined && file.fallbackNames.length === 0) return checked(file);
  const name = file.oldName ?? file.newName ?? "";
  // Where the patch may make the file, nothing but its name says which.
  const names = file.mayAdd ? [name] : [name, ...file.fallbackNames];
  const found = await firstThere(tree, names, file.atLine);
  const rival = await firstThere(tree, file.rivalName === undefined ? [] : [file.rivalName], file.atLine);
  const adds = file.action === "add" || (file.mayAdd && found === undefined && rival === undefined);
  if (file.rivalName !== undefined && (adds || (found !== undefined && rival !== undefined))) {
    throw ambiguous(file, [name, file.rivalName]);
  }
  // What is nowhere is named as it was written.
  return checked(renamed(file, found ?? rival ?? (adds ? name : (file.rivalName ?? name))));
}

function checked(file: FilePatch): CheckedPatch {
  const path = (name: string | undefined) => (name === undefined ? undefined : checkPath(name, file.atLine));
  return { ...file, oldPath: path(file.oldName), newPath: path(file.newName) };
}

function renamed(file: FilePatch, name: string): FilePatch {
  return {
    ...file,
    oldName: file.oldName === undefined ? undefined : name,
    newName: file.newName === undefined ? undefined : name,
  };
}

async function firstThere(tree: WorkingTree, names: readonly string[], atLine: number): Promise<string | undefined> {
  for (const name of names) if (await tree.hasFile(checkPath(name, atLine))) return name;
  return undefined;
}

function ambiguous(file: FilePatch, names: readonly [string, string]): PyroError {
  const [stripped, written] = names.map(displayPath);
  return new PyroError("failed_precondition", `The patch could mean ${stripped}, as git reads it, or ${written}.`, {
    hint: `Write the names with a/ and b/ before them, as git does: a/${written} and b/${written}. Nothing was changed.`,
    details: { path: written ?? "", patch_line: file.atLine },
  });
}
