// Owns the reference of failures. Never explains single messages.
import { errorCodes, PyroError, type ErrorCode } from "../../base/error.js";
import type { Operation } from "../../operations/operation.js";
import { operations } from "../../operations/table.js";
import { exitCodes, outputClosed, ownFailure } from "../cli/exit.js";
import { terminalSpeaker } from "../command-line.js";
import { page, table } from "./markdown.js";

const everyOperation: readonly Operation[] = operations;
const terminal = terminalSpeaker((name) => everyOperation.find((operation) => operation.name === name));

const meanings: Record<ErrorCode, string> = {
  invalid_argument: "A field, flag or argument is wrong; the message names it.",
  not_found: "What was named does not exist.",
  already_exists: "The name is taken.",
  failed_precondition: "It exists, but is not in the state that the call needs.",
  permission_denied: "The host does not allow it.",
  resource_exhausted: "Memory, disk or a limit is used up; the message has the numbers.",
  deadline_exceeded: "It was not done in time.",
  canceled: "The caller canceled it.",
  unavailable: "What it needs cannot be reached: an engine, a program of the host, the daemon, a machine that died.",
  unsupported: "This version or this host cannot do it.",
  internal: "A fault in pyro.",
};

export function errorsPage(): string {
  return page("Errors", [
    "A guest command that fails, times out or is killed is a result. An error says that pyro itself could not do what was " +
      "asked: `{error: {code, message, hint, details?, call_id?}}`. With `--json` it is the document on standard output, over MCP the " +
      "structured content of a result with `isError`, in the SDK a thrown `PyroError`. The hint is the next call to make, " +
      "as callers of that surface write it; " +
      "`call_id` stands in `internal` errors of the daemon, for `pyro daemon log --call ID`.",
    table(
      ["Code", "Meaning", "Exit code", "Hint, where the error has no better one"],
      errorCodes.map((code) => [
        `\`${code}\``,
        meanings[code],
        String(exitCodes[code]),
        new PyroError(code, "").spelledBy(terminal).hint,
      ]),
    ),
    "`pyro run`, `pyro workspace exec` and `pyro workspace wait` exit as the guest's command did. Their own failures:",
    table(
      ["Exit code", "When"],
      [
        ["64", "The command line is wrong."],
        [String(exitCodes.unavailable), "There was nothing to run it on; the command was not started."],
        ["75", "`workspace wait`: the command still runs."],
        [String(ownFailure), "Anything else, also a command that was lost with its machine."],
        ["128 + n", "Signal n canceled the call before it reached the guest's command, or the second one did."],
        [String(outputClosed), "The reader of standard output went away."],
      ],
    ),
  ]);
}
