// Owns how git in a workspace converts the files of a patch, as the workspace tells it. Never runs git.
import { type ErrorCode, PyroError } from "../../base/error.js";
import { type BytePath, pathBytes } from "../byte-path.js";
import type { Conversion } from "../git/conversion.js";
import { type TouchedFile, openConversions } from "../git/conversions.js";
import type { PatchFiles } from "./patch-files.js";
import type { CheckedPatch } from "./settle-names.js";

export interface InsideConversions {
  reading(path: BytePath): Promise<Conversion>;
  writing(path: BytePath): Promise<Conversion>;
}

/** Line ends stay as the patch has them, which is stricter than git: a whole file is not to change with one line. */
export async function insideConversions(
  files: PatchFiles,
  patches: readonly CheckedPatch[],
  signal: AbortSignal,
): Promise<InsideConversions> {
  const { reading, writing } = await openConversions({
    read: async (path, maxBytes) => {
      const content = await readIfThere(files, path);
      return content === undefined || content.length > maxBytes ? undefined : content;
    },
    files: patches.map(touchedBy),
    signal,
  });
  const keepingLines = (conversion: Conversion): Conversion => ({ ...conversion, lineEnds: "as they are" });
  return {
    reading: async (path) => keepingLines(await reading(path)),
    writing: async (path) => keepingLines(await writing(path)),
  };
}

/** Something else may stand there, or too much in it. */
const noSuchFile = new Set<ErrorCode>([
  ...(["not_found", "failed_precondition", "permission_denied", "invalid_argument", "resource_exhausted"] as const),
]);

function touchedBy({ action, oldPath, newPath, oldMode, newMode }: CheckedPatch): TouchedFile {
  const isLink = newMode === linkMode || oldMode === linkMode;
  return {
    paths: [oldPath, newPath].filter((path) => path !== undefined),
    read: isLink || action === "add" ? undefined : oldPath,
    written: isLink || action === "delete" ? undefined : newPath,
  };
}

const linkMode = 0o120000;

async function readIfThere(files: PatchFiles, path: BytePath): Promise<Buffer | undefined> {
  try {
    return await files.read(pathBytes(path));
  } catch (error) {
    if (error instanceof PyroError && noSuchFile.has(error.code)) return undefined;
    throw error;
  }
}
