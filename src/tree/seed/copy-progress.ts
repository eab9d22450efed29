// Owns saying how much of what was listed has been copied, now and then. Never counts anything else.
import type { Progress } from "../../base/progress.js";
import { displayName, type ByteString } from "../tar/entry.js";

const stepBytes = 4 * 1024 * 1024;
const stepFiles = 64;
/** Characters of a name that a line has room for. */
const maxName = 40;

export interface CopyProgress {
  /** The next file of the listing, by its place in the workspace. */
  file(path: ByteString): void;
  bytes(count: number): void;
}

export function copyProgress(progress: Progress, totalFiles: number): CopyProgress {
  let [files, bytes] = [0, 0];
  let told = { files: 0, bytes: 0 };
  let message = "Copying your files";
  const tell = () => {
    if (files - told.files < stepFiles && bytes - told.bytes < stepBytes) return;
    told = { files, bytes };
    progress({ phase: "seed", message, unit: "steps", things: "files", done: files, total: totalFiles, bytes });
  };
  return {
    file: (path) => {
      files += 1;
      message = `Copying ${topOf(path)}`;
      tell();
    },
    bytes: (count) => {
      bytes += count;
      tell();
    },
  };
}

/** The folder at the top that a file is in. */
function topOf(path: ByteString): string {
  const end = path.indexOf("/");
  return end === -1 ? "your files" : displayName(path.slice(0, Math.min(end, maxName)));
}
