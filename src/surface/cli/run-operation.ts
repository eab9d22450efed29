// Owns running one operation for the command line: interrupts, progress, output, exit code. Never parses arguments.
import { asPyroError, type PyroError } from "../../base/error.js";
import { commandOutcome } from "../../operations/fields.js";
import type { Operation } from "../../operations/operation.js";
import { callOperation, type OperationCall, type WireResult } from "../connection.js";
import type { Command, Context } from "./command.js";
import { CommandFailure, exitCodes, ownFailure } from "./exit.js";
import { interruptible, type Interrupts } from "./interrupts.js";
import { progressDisplay } from "./progress-display.js";
import { pipedStdin } from "./stdin.js";

/** How the table's operations run as commands. */
export function runOperation(operation: Operation): Command["run"] {
  const perform = operation.cli?.passThrough === true ? passThrough : call;
  return (input, context) => interruptible((interrupts) => perform({ operation, input }, context, interrupts));
}

async function call(request: OperationCall, context: Context, { signal }: Interrupts): Promise<number> {
  const progress = progressDisplay(context.stderr);
  try {
    const result = await callOperation(context.connector, request, {
      signal: withOutput(signal, context),
      onProgress: progress.update,
    });
    progress.stop();
    await printResult(result, context, request.operation);
    return request.operation.cli?.exitCode?.(result) ?? 0;
  } finally {
    progress.stop();
  }
}

/** Streams the guest's output, or with `--json` collects it into the one document. */
async function passThrough(request: OperationCall, context: Context, interrupts: Interrupts): Promise<number> {
  const progress = progressDisplay(context.stderr);
  const stdin = pipedStdin(process);
  let send: Parameters<Interrupts["forwardTo"]>[0] | undefined;
  let started = false;
  try {
    const result = await callOperation(context.connector, request, {
      signal: withOutput(interrupts.signal, context),
      onProgress: (event) => {
        // The guest's program runs: from here on the terminal and the interrupts are its own.
        if (event.phase === "command") {
          started = true;
          progress.clear();
          if (send !== undefined) interrupts.forwardTo(send);
        } else progress.update(event);
      },
      onSignalSender: (sender) => {
        send = sender;
      },
      ...(stdin === undefined ? {} : { stdin }),
      ...(context.json ? {} : { onOutput: (stream, data) => context[stream].write(data) }),
    });
    progress.stop();
    if (context.json) await printResult(result, context, request.operation);
    return exitCode.parse(result["exit_code"]);
  } catch (error) {
    throw ownRunFailure(asPyroError(error), started);
  } finally {
    progress.stop();
    stdin?.destroy();
  }
}

const exitCode = commandOutcome.exit_code;

/** Nothing that could run it is 69, so that scripts can tell it from a run that broke: 125. */
function ownRunFailure(error: PyroError, started: boolean): CommandFailure {
  return new CommandFailure(error.code === "unavailable" && !started ? exitCodes.unavailable : ownFailure, error);
}

function withOutput(signal: AbortSignal, { outputFailed }: Context): AbortSignal {
  return AbortSignal.any([signal, outputFailed]);
}

export async function printResult(result: WireResult, context: Context, operation: Operation): Promise<void> {
  const text = context.json ? JSON.stringify(result) : operation.text(result);
  if (text !== "") await context.stdout.write(`${text}\n`);
}
