// Owns cutting a patch, as it comes, into the parts of its files, so that one of them is held at a time. Never looks at the files it is for.
import { PyroError } from "../../base/error.js";
import { type Keep, type Kept, readKept } from "../../base/spool.js";
import { call, either, say } from "../../base/say.js";
import { Turns } from "../../base/in-turns.js";
import { maxPatchBytes } from "../patch-limit.js";
import { parsePart } from "./parse-patch.js";
import type { FilePatch } from "./patch-text.js";
import { PartScanner } from "./part-scanner.js";

/** Files of one patch. */
const maxParts = 500_000;

export interface PatchPart {
  /** Without what changes in the file. */
  readonly head: FilePatch;
  readonly text: Kept;
  readonly atLine: number;
  /** Of the file in the text. */
  readonly index: number;
}

export interface PatchParts {
  /** At least one, in the order of the patch. */
  readonly parts: readonly PatchPart[];
  /** Where what is worked out may be kept, too. */
  readonly keep: Keep;
}

/** Reads and checks all of it, whatever its length; a patch that is none is `invalid_argument`. */
export async function readPatch(
  patch: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  keep: Keep,
  signal: AbortSignal,
): Promise<PatchParts> {
  const parts: PatchPart[] = [];
  const scanner = new PartScanner();
  const turns = new Turns();
  const take = async (): Promise<void> => {
    for (const { text, atLine } of scanner.taken()) {
      signal.throwIfAborted();
      if (turns.due()) await turns.pause();
      const heads = parsePart(text, atLine).map(headOf);
      if (parts.length + heads.length > maxParts) throw tooManyParts();
      const kept = await keep(text);
      for (const [index, head] of heads.entries()) parts.push({ head, text: kept, atLine, index });
    }
  };
  let bytes = 0;
  for await (const chunk of patch) {
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > maxPatchBytes) throw tooLong();
    for (const piece of piecesOf(chunk)) {
      if (turns.due()) await turns.pause();
      scanner.add(piece);
      await take();
    }
  }
  scanner.end();
  await take();
  if (parts.length > 0) return { parts, keep };
  throw new PyroError("invalid_argument", "The patch names no file.", {
    hint: "Pass a unified diff with `--- a/NAME` and `+++ b/NAME` lines and `@@` hunks.",
  });
}

/** The part with all that it says. */
export async function loadPart({ text, atLine, index, head }: PatchPart): Promise<FilePatch> {
  return parsePart(await readKept(text), atLine)[index] ?? head;
}

function headOf(file: FilePatch): FilePatch {
  return { ...file, hunks: [], binary: undefined };
}

/** A chunk may be the whole of a long patch. */
function* piecesOf(chunk: Uint8Array): Generator<Buffer> {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  for (let at = 0; at < bytes.length; at += maxPieceBytes) yield bytes.subarray(at, at + maxPieceBytes);
}

const maxPieceBytes = 1024 * 1024;

function tooLong(): PyroError {
  return new PyroError("invalid_argument", `The patch has more than ${maxPatchBytes / 1024 / 1024} MiB.`, {
    hint: say`Apply it in parts${either(say`, or bring the files in by ${call("workspace_sync_push")}`)}.`,
  });
}

function tooManyParts(): PyroError {
  return new PyroError("invalid_argument", `The patch names more than ${maxParts} files.`, {
    hint: say`Apply it in parts${either(say`, or bring the files in by ${call("workspace_sync_push")}`)}.`,
  });
}
