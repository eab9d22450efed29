// Owns finding arguments that are no text: Node hands them on as U+FFFD, and nobody would be told. Never changes one.
import { readFileSync } from "node:fs";
import { PyroError } from "../../base/error.js";
import { isText } from "../../base/text.js";

/** Throws `invalid_argument` for bytes that are not UTF-8 among the process's last arguments, which are `args`. */
export function refuseByteArguments(args: readonly string[], read: () => Buffer = ownCommandLine): void {
  if (!args.some((arg) => arg.includes("\u{fffd}"))) return;
  const given = argumentsIn(read()).slice(-args.length);
  const at = given.findIndex((bytes) => !isText(bytes));
  if (at === -1) return;
  throw new PyroError("invalid_argument", `Argument ${at + 1}, ${JSON.stringify(args[at])}, is not UTF-8 text.`, {
    hint: "Write such bytes as an escape of the program that gets them, such as printf '\\377', or bring them in as a file.",
  });
}

function ownCommandLine(): Buffer {
  return readFileSync("/proc/self/cmdline");
}

/** Each ends with a NUL. */
function argumentsIn(commandLine: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  let from = 0;
  for (let end = commandLine.indexOf(0); end !== -1; end = commandLine.indexOf(0, from)) {
    found.push(commandLine.subarray(from, end));
    from = end + 1;
  }
  return found;
}
