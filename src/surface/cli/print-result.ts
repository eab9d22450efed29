// Owns printing a result: as a document, as text for a person, or one field of it. Never decides the exit code.
import { writeFile } from "node:fs/promises";
import { hasErrno, PyroError } from "../../base/error.js";
import { jsonLine } from "../../base/json-line.js";
import { asSaid } from "../../base/say.js";
import type { Operation } from "../../operations/operation.js";
import type { WireResult } from "../connection.js";
import type { CommandContext, Selection } from "./command.js";
import { paints, type Paint } from "./paint.js";
import { spellForTerminal } from "./speaker.js";

export async function printResult(operation: Operation, result: WireResult, context: CommandContext): Promise<void> {
  const { json, selection, stdout, stderr } = context;
  if (json) return stdout.pass(jsonLine(result));
  if (selection === undefined)
    await stdout.write(asLines(await spellForTerminal(asSaid(operation.text?.(result) ?? ""))), paintOf(operation));
  else await printPart(result, selection, context);
  const note = await spellForTerminal(asSaid(operation.note?.(result) ?? ""));
  if (note !== "") await stderr.write(`pyro: ${note}\n`);
  if (isTruncated(result) && operation.cli?.saysRest !== true)
    await stderr.write("pyro: This is not all of it; --json says what is missing.\n");
}

function paintOf({ cli }: Operation): Paint | undefined {
  return cli?.paint === undefined ? undefined : paints[cli.paint];
}

/** The bytes of a text field: those of its `_base64` sibling, which is there when they are not UTF-8. */
export function bytesOf(result: WireResult, field: string): Buffer {
  const exact = result[`${field}_base64`];
  const text = result[field];
  return typeof exact === "string" ? Buffer.from(exact, "base64") : Buffer.from(typeof text === "string" ? text : "");
}

async function printPart(result: WireResult, selection: Selection, context: CommandContext): Promise<void> {
  const { stdout, stderr, written } = context;
  const { field, how, path } = selection;
  if (written !== undefined) return stderr.write(`pyro: Wrote ${written} bytes to ${path ?? ""}.\n`);
  const bytes = bytesOf(result, field);
  if (path === undefined) {
    // A terminal is a person's: only a file or a pipe wants the bytes.
    if (how === "raw" && !stdout.isTerminal) return stdout.pass(bytes);
    return stdout.write(how === "raw" ? bytes.toString() : `${bytes.toString()}\n`);
  }
  try {
    await writeFile(path, bytes, { flag: "wx" });
  } catch (error) {
    if (hasErrno(error, "EEXIST")) throw new PyroError("already_exists", `${path} exists.`, { cause: error });
    const why = error instanceof Error ? error.message : String(error);
    throw new PyroError("invalid_argument", `${path} cannot be written: ${why}`, { cause: error });
  }
  await stderr.write(`pyro: Wrote ${bytes.length} bytes to ${path}.\n`);
}

/** With a newline at its end, unless there is nothing. */
function asLines(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function isTruncated(result: WireResult): boolean {
  return Object.entries(result).some(([name, value]) => value === true && /(^|_)truncated$/u.test(name));
}
