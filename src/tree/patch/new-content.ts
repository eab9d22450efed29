// Owns the content of one file after its part of the patch. Never decides where it goes.
import { PyroError } from "../../base/error.js";
import { displayPath } from "../byte-path.js";
import { blobId } from "../git/blob-id.js";
import { applyDelta } from "./binary-change.js";
import { type Conversion, readByGit, withoutCarriageReturns, writtenByGit } from "../git/conversion.js";
import { fitHunks } from "./fit-hunks.js";
import type { Version } from "./patch-files.js";
import type { FilePatch } from "./patch-text.js";

const fullId = /^[0-9a-f]{40}$/u;

export interface BothWays {
  readonly reading: Conversion;
  readonly writing: Conversion;
}

/** As git reads and writes the file, which need not be the form that it has; without `ways`, as it is. */
export function newContent(file: FilePatch, old: Version | undefined, ways: BothWays | undefined): Buffer {
  const content = old?.content ?? Buffer.alloc(0);
  if (ways === undefined) return changed(file, content);
  const read = readByGit(content, ways.reading, true);
  // A file of a mark alone is empty to git, and may be deleted as such.
  if (file.binary === undefined && file.hunks.length === 0) return file.action === "delete" ? read : content;
  const base = file.binary === undefined ? fittingText(file, ways, { content, read }) : namedForm(file, content, read);
  const isMeantAsIs = old !== undefined && base === content && !base.equals(read);
  return isMeantAsIs ? changed(file, base) : writtenByGit(changed(file, base), ways.writing);
}

/** The form that a binary patch names: git leaves out carriage returns where it takes the file for text. */
function namedForm({ oldId }: FilePatch, content: Buffer, read: Buffer): Buffer {
  return [read, content, withoutCarriageReturns(read)].find((form) => blobId(form) === oldId) ?? content;
}

/** A patch may show a keyword as the file has it, and then leaves it so. */
function fittingText(
  file: FilePatch,
  { reading: { encoding } }: BothWays,
  { content, read }: { readonly content: Buffer; readonly read: Buffer },
): Buffer {
  if (read.equals(content) || (encoding !== undefined && encoding !== "unknown")) return read;
  try {
    changed(file, content);
    return content;
  } catch (error) {
    if (error instanceof PyroError && error.code !== "internal") return read;
    throw error;
  }
}

function changed(file: FilePatch, content: Buffer): Buffer {
  if (file.binary !== undefined) return binaryContent(file, content);
  if (file.hunks.length === 0) return content;
  const name = file.newName ?? file.oldName ?? "";
  return Buffer.from(fitHunks(name, content.toString("latin1"), file.hunks), "latin1");
}

/** As git does, only onto exactly the content that the patch was made from. */
function binaryContent(file: FilePatch, old: Buffer): Buffer {
  const name = displayPath(file.newName ?? file.oldName ?? "");
  const details = { path: name, patch_line: file.atLine };
  if (!fullId.test(file.oldId) || !fullId.test(file.newId)) {
    throw new PyroError("invalid_argument", `The binary patch of ${name} has no full index line.`, {
      hint: "Make it with `git diff --binary --full-index`.",
      details,
    });
  }
  const isMissing = /^0+$/u.test(file.oldId);
  if (isMissing ? old.length > 0 : blobId(old) !== file.oldId) {
    throw new PyroError("failed_precondition", `The binary patch of ${name} is for other content than the file has.`, {
      hint: "Make the patch against the file as it is now. Nothing was changed.",
      details,
    });
  }
  const data = file.binary?.kind === "delta" ? applyDelta(old, file.binary.data) : file.binary?.data;
  const isRight = data !== undefined && (/^0+$/u.test(file.newId) ? data.length === 0 : blobId(data) === file.newId);
  if (data !== undefined && isRight) return data;
  throw new PyroError(
    "invalid_argument",
    `The binary patch of ${name} does not give the content that its index line names.`,
    {
      details,
    },
  );
}
