// Owns how long a patch may become, and where its parts go. Never makes one.
import { maxPatchBytes } from "../patch-limit.js";
import type { OmittedKind } from "./omissions.js";

export interface PatchOutput {
  /** False once nothing more goes in, so that no content need be read. */
  isOpen(): boolean;
  /** Bytes for which there is room. */
  left(): number;
  /** Bytes of contents that may well not be read in vain. */
  hopefulBytes(): number;
  /** Takes the part of a change whose content has `size` bytes, or says why not. */
  add(text: string, size: number): Promise<OmittedKind | undefined>;
  /** The same for a part that is not even made, as it is too long. */
  refuse(): OmittedKind;
  /** Why a change for which it is not open any more has no part; undefined where the whole patch has none. */
  leftOut(): OmittedKind | undefined;
  result(): { readonly patch: string; readonly truncated: boolean };
}

export interface PatchOutputRequest {
  readonly maxPatchCharacters: number;
  readonly writePatch?: (text: string) => Promise<void>;
}

/** Bytes of contents for each byte of patch that still fits: what is read ahead should not be read in vain. */
const aheadRatio = 8;
const leastAheadBytes = 256 * 1024;
/** Bytes of contents that are read and then found to be too long, before it is enough of that. */
const leastWastedBytes = 8 * 1024 * 1024;
/** Characters of the patch in a JSON document, which is one string: V8 has none of 2^29. Of one, `\u0000` is the most. */
const maxJsonCharacters = 448 * 1024 * 1024;
const longestEscape = 6;

export function openPatchOutput(request: PatchOutputRequest, hasChanges: boolean): PatchOutput {
  return request.writePatch === undefined
    ? wholePatch(request.maxPatchCharacters, hasChanges)
    : writtenPatch(request.writePatch);
}

/** All of it or none: a reader of one result asks for less then. */
function wholePatch(limit: number, hasChanges: boolean): PatchOutput {
  let parts: string[] = [];
  let left = limit;
  let leftInJson = maxJsonCharacters;
  let wasted = 0;
  let stopped = limit === 0 && hasChanges;
  const stop = (): undefined => {
    stopped = true;
    parts = [];
  };
  const tooLong = (size: number): OmittedKind | undefined => {
    wasted += size;
    return wasted > Math.max(leastWastedBytes, limit) ? stop() : "patch_too_long";
  };
  return {
    isOpen: () => !stopped,
    // What is too long is so by itself, or else what came before it counts too.
    left: () => limit,
    hopefulBytes: () => Math.max(leastAheadBytes, left * aheadRatio),
    add: async (text, size) => {
      const bytes = Buffer.byteLength(text);
      if (bytes > limit) return tooLong(size);
      left -= bytes;
      if (limit * longestEscape > maxJsonCharacters) leftInJson -= JSON.stringify(text).length;
      if (left < 0 || leftInJson < 0) return stop();
      parts.push(text);
      return undefined;
    },
    refuse: () => "patch_too_long",
    leftOut: () => undefined,
    result: () => ({ patch: parts.join(""), truncated: stopped }),
  };
}

/** As much as fits: a file takes what there is, and what has no room is asked for by its path. */
function writtenPatch(write: (text: string) => Promise<void>, limit = maxPatchBytes): PatchOutput {
  let left = limit;
  let wasted = 0;
  return {
    isOpen: () => wasted <= limit / 4,
    left: () => left,
    hopefulBytes: () => Math.max(leastAheadBytes, left * aheadRatio),
    add: async (text, size) => {
      const bytes = Buffer.byteLength(text);
      if (bytes > left) {
        wasted += size;
        return bytes > limit ? "patch_too_long" : "patch_full";
      }
      left -= bytes;
      if (text !== "") await write(text);
      return undefined;
    },
    refuse: () => "patch_full",
    leftOut: () => "patch_full",
    result: () => ({ patch: "", truncated: false }),
  };
}
