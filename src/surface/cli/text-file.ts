// Owns reading the text that a flag takes from a file or standard input. Never reads more than an operation takes.
import { createReadStream } from "node:fs";
import { hasErrno, PyroError } from "../../base/error.js";

const maxBytes = 10 * 1024 * 1024;

/** The whole text; `-` is standard input. Throws for more than 10 MiB and for what is not UTF-8. */
export async function readTextFile(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of path === "-" ? process.stdin : createReadStream(path)) {
      const bytes = Buffer.from(chunk as Uint8Array);
      size += bytes.length;
      if (size > maxBytes) throw new PyroError("invalid_argument", `${nameOf(path)} has more than ${maxBytes} bytes.`);
      chunks.push(bytes);
    }
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw explain(path, error);
  }
}

function explain(path: string, error: unknown): PyroError {
  if (error instanceof PyroError) return error;
  const hint = "Name a readable text file, or - for standard input.";
  if (hasErrno(error, "ENOENT")) return new PyroError("not_found", `There is no file ${path}.`, { hint, cause: error });
  if (hasErrno(error, "ERR_ENCODING_INVALID_ENCODED_DATA")) {
    const bring = "Bring other files in with `pyro workspace sync push`.";
    return new PyroError("invalid_argument", `${nameOf(path)} is not UTF-8 text.`, { hint: bring, cause: error });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new PyroError("invalid_argument", `${nameOf(path)} cannot be read: ${why}`, { hint, cause: error });
}

function nameOf(path: string): string {
  return path === "-" ? "Standard input" : path;
}
