// Owns what the command line says and exits with once a guest's command has run, or runs on. Never calls anything.
import * as z from "zod";
import { PyroError } from "../../base/error.js";
import { sandboxEngine, sandboxNote } from "../../operations/fields.js";
import type { RanCommand } from "../../operations/operation.js";
import { backgroundText } from "../../operations/workspace-text.js";
import { reasonsOf } from "../../process/outcome.js";
import type { OperationCall, WireResult } from "../connection.js";
import type { CommandContext } from "./command.js";
import { exitCodes, ownFailure } from "./exit.js";
import { bytesOf, printResult } from "./print-result.js";
import { spellForTerminal } from "./speaker.js";

const detached = z.object({ detach: z.literal(true) });

export interface Finished {
  readonly call: OperationCall;
  readonly result: WireResult;
  readonly ran: RanCommand;
}

/** Prints what was not streamed; resolves with the command's exit code. */
export async function finishCommand({ call, result, ran }: Finished, context: CommandContext): Promise<number> {
  const { operation, input } = call;
  const { workspace_id: id = "", sequence = 0, state, exit_code: code, engine } = ran;
  if (context.json) await printResult(operation, result, context);
  if (state === "running") {
    const isDetached = detached.safeParse(input).success;
    if (isDetached && !context.json) await context.stdout.write(`${sequence}\n`);
    await context.stderr.write(
      `pyro: Command ${sequence} runs; \`pyro workspace wait ${id} ${sequence}\` waits for it.\n`,
    );
    return isDetached ? 0 : exitCodes.deadline_exceeded;
  }
  if (!context.json) {
    if (engine === sandboxEngine) await context.stderr.write(`pyro: The command ${sandboxNote}.\n`);
    for (const stream of ["stdout", "stderr"] as const) await context[stream].pass(bytesOf(result, stream));
    const left = await spellForTerminal(backgroundText(ran.background_commands ?? []));
    if (left !== "" && context.stderr.isTerminal) await context.stderr.write(`pyro: Note: ${left}.\n`);
    const why = reasonsOf(ran);
    // Scripts have the exit code, and a standard error that is the command's alone; who pressed Ctrl-C knows.
    if (why.length > 0 && context.stderr.isTerminal && ran.signal !== "INT") {
      await context.stderr.write(`pyro: The command ended with exit code ${code ?? "?"}: ${why.join(", ")}.\n`);
    }
  }
  if (state === "exited" && code !== null) return code;
  if (context.json) return ownFailure;
  throw new PyroError("unavailable", `Command ${sequence} is lost: its machine went away before it ended.`, {
    hint: `\`pyro workspace status ${id}\` says what became of it; run the command again.`,
  });
}
