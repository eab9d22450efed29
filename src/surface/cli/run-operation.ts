// Owns running one operation for the command line: interrupts, progress, exit code. Never parses arguments.
import { asPyroError, PyroError } from "../../base/error.js";
import type { Operation } from "../../operations/operation.js";
import { callOperation, type OperationCall } from "../connection.js";
import type { Command, CommandContext, Context } from "./command.js";
import { CommandFailure, exitCodes, ownFailure } from "./exit.js";
import { commandOf, finishCommand, startOf } from "./guest-command.js";
import { openLongResult } from "./long-result.js";
import { interruptible, type Interrupts } from "./interrupts.js";
import { printResult } from "./print-result.js";
import { progressDisplay } from "./progress-display.js";
import { speakerFor } from "./speaker.js";
import { isTerminalInput, pipedStdin } from "./stdin.js";
import { refuseUnservedTerminal } from "./unserved-terminal.js";
import { partsOf, worded } from "../worded.js";

/** How the table's operations run as commands. */
export function runOperation(operation: Operation): Command["run"] {
  const perform = operation.cli?.passThrough === true ? passThrough : call;
  return (input, context) => interruptible((interrupts) => perform({ operation, input }, context, interrupts));
}

async function call(request: OperationCall, context: CommandContext, { signal }: Interrupts): Promise<number> {
  const progress = progressDisplay(context.stderr);
  const { operation } = request;
  try {
    await using long = await openLongResult(operation.streams, context);
    const short = await callOperation(context.connector, request, {
      signal: withOutput(signal, context),
      surface: "cli",
      ...(long === undefined ? {} : { onOutput: (_stream, data) => long.take(data) }),
      onProgress: progress.update,
      onPart: (part) => printResult(request.operation, request.operation.output.parse(part), context),
    });
    progress.stop();
    const plain = (await long?.finish(short)) ?? short;
    const result = worded(request, plain, await speakerFor(partsOf(request, plain)));
    const ran = operation.ran?.(result);
    if (ran !== undefined) return await finishCommand({ call: request, result, ran }, context);
    await printResult(operation, result, { ...context, written: long?.written() });
    return operation.cli?.exitCode?.(result) ?? 0;
  } catch (error) {
    throw operation.ran === undefined ? error : ownRunFailure(asPyroError(error), true);
  } finally {
    progress.stop();
  }
}

/** Streams the guest's output, or with `--json` collects it into the one document. */
async function passThrough(request: OperationCall, context: CommandContext, interrupts: Interrupts): Promise<number> {
  if (isTerminalInput()) refuseUnservedTerminal(commandOf(request), startOf(request));
  const progress = progressDisplay(context.stderr);
  const stdin = pipedStdin(process);
  let send: Parameters<Interrupts["forwardTo"]>[0] | undefined;
  let started = false;
  try {
    const result = await callOperation(context.connector, request, {
      signal: withOutput(interrupts.signal, context),
      surface: "cli",
      onProgress: (event) => {
        if (event.phase !== "command") return started ? undefined : progress.update(event);
        // The guest's program runs: from here on the terminal and the interrupts are its own.
        started = true;
        progress.clear();
        if (send !== undefined) interrupts.forwardTo(send);
      },
      onSignalSender: (sender) => {
        send = sender;
      },
      ...(stdin === undefined ? {} : { stdin }),
      ...(context.json ? {} : { onOutput: (stream, data) => context[stream].pass(data) }),
    });
    progress.stop();
    const ran = request.operation.ran?.(result);
    if (ran === undefined) throw new PyroError("internal", `${request.operation.name} says no command's outcome.`);
    return await finishCommand({ call: request, result, ran }, context);
  } catch (error) {
    throw ownRunFailure(asPyroError(error), started);
  } finally {
    progress.stop();
    stdin?.destroy();
  }
}

/** Nothing that could run it is 69, so that scripts can tell it from a run that broke: 125. */
function ownRunFailure(error: PyroError, started: boolean): CommandFailure {
  return new CommandFailure(error.code === "unavailable" && !started ? exitCodes.unavailable : ownFailure, error);
}

function withOutput(signal: AbortSignal, { outputFailed }: Context): AbortSignal {
  return AbortSignal.any([signal, outputFailed]);
}
