// Owns sending a long text, or a file of the caller's, beside the input of a call. Never holds more than a piece of a file.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { hasErrno, PyroError } from "../base/error.js";
import type { CallOptions } from "../client/call.js";
import type { Operation } from "../operations/operation.js";

interface Carrying {
  readonly operation: Operation;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface Carried {
  readonly input: Carrying["input"];
  readonly options: CallOptions;
  /** What was opened for the call. */
  readonly opened?: Readable;
}

/** Names standard input where it stands for a file's name. */
export const standardInput = "-";

/** Characters of a text that goes within the input. */
const maxInlineCharacters = 4 * 1024 * 1024;
const pieceCharacters = 64 * 1024;

/** The call as it is sent; a file that cannot be read is refused before anything is started for it. */
export async function carry({ operation, input }: Carrying, options: CallOptions): Promise<Carried> {
  const { text, file } = operation.carries ?? {};
  if (text === undefined || file === undefined) return { input, options };
  const { [text]: given, [file]: path, ...rest } = input;
  if (given !== undefined && path !== undefined) throw oneOf(`${text} and ${file} exclude each other.`);
  if (typeof path === "string") {
    if (path === standardInput) return { input: rest, options: carrying(process.stdin, nameOf(path), options) };
    const opened = await openText(path);
    return { input: rest, options: carrying(opened, nameOf(path), options), opened };
  }
  if (typeof given !== "string") throw oneOf(`${text} or ${file} is missing.`);
  if (given.length <= maxInlineCharacters) return { input, options };
  return { input: rest, options: carrying(Readable.from(piecesOf(given)), text, options) };
}

/** What cannot be read to its end ends the call: half of a text is another one. */
function carrying(source: Readable, name: string, options: CallOptions): CallOptions {
  const failed = new AbortController();
  source.once("error", (error) => failed.abort(unreadable(name, error)));
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  return { ...options, stdin: source, signal };
}

async function openText(path: string): Promise<Readable> {
  try {
    // Opened here, so that what is not there is known at once.
    const handle = await open(path, "r");
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new PyroError("invalid_argument", `${path} is a folder.`, { hint });
    }
    return createReadStream("", { fd: handle });
  } catch (error) {
    throw error instanceof PyroError ? error : unreadable(path, error);
  }
}

const hint = "Name a readable file.";

function unreadable(name: string, error: unknown): PyroError {
  if (hasErrno(error, "ENOENT")) return new PyroError("not_found", `There is no file ${name}.`, { hint, cause: error });
  const why = error instanceof Error ? error.message : String(error);
  return new PyroError("invalid_argument", `${name} cannot be read: ${why}`, { hint, cause: error });
}

function nameOf(path: string): string {
  return path === standardInput ? "Standard input" : path;
}

function oneOf(message: string): PyroError {
  return new PyroError("invalid_argument", message, { hint: "Give one of the two." });
}

/** Never between the two halves of a character. */
function* piecesOf(text: string): Generator<Buffer> {
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + pieceCharacters);
    if (end < text.length && /[\ud800-\udbff]/u.test(text.charAt(end - 1))) end += 1;
    yield Buffer.from(text.slice(at, end));
    at = end;
  }
}
