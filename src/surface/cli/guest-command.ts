// Owns what the command line says and exits with once a guest's command has run, or runs on. Never calls anything.
import * as z from "zod";
import { PyroError } from "../../base/error.js";
import { sandboxEngine, sandboxNote } from "../../operations/fields.js";
import type { RanCommand } from "../../operations/operation.js";
import { backgroundText } from "../../operations/workspace-text.js";
import { asSaid, call as callPart, field, say, type Said } from "../../base/say.js";
import { reasonsOf } from "../../process/outcome.js";
import type { OperationCall, WireResult } from "../connection.js";
import type { CommandContext } from "./command.js";
import { exitCodes, ownFailure } from "./exit.js";
import { bytesOf, printResult } from "./print-result.js";
import { spellForTerminal } from "./speaker.js";
import { meantForShell, type CommandStart } from "./unserved-terminal.js";

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
    const line = await explanation({ call, result, ran }, context.stderr.isTerminal);
    if (line !== "") await context.stderr.write(`pyro: ${line}\n`);
  }
  if (state === "exited" && code !== null) return code;
  if (context.json) return ownFailure;
  throw new PyroError("unavailable", `Command ${sequence} is lost: its machine went away before it ended.`, {
    hint: `\`pyro workspace status ${id}\` says what became of it; run the command again.`,
  });
}

/** The guest's command, where it stands as a list of words. */
export function commandOf({ operation, input }: OperationCall): readonly string[] {
  return z
    .array(z.string())
    .catch([])
    .parse(input[operation.cli?.rest ?? ""]);
}

/** What was typed before the guest's command, its flags aside. */
export function startOf({ operation: { cli }, input }: OperationCall): CommandStart {
  return { path: cli?.path ?? [], places: (cli?.positionals ?? []).map((name) => String(input[name])) };
}

/** Why it ended as it did, in one line, and what to do about it; empty where its exit code says it all. */
async function explanation({ call, ran }: Finished, isTerminal: boolean): Promise<string> {
  const why = reasonsOf(ran);
  const asked = ran.exit_code === notFoundExitCode ? meantForShell(commandOf(call), startOf(call)) : undefined;
  if (asked !== undefined) return asked;
  const isOurs = ran.timed_out || ran.oom_killed;
  // Scripts have the exit code, and a standard error that is the command's alone; who pressed Ctrl-C knows.
  if (why.length === 0 || (!isOurs && (!isTerminal || ran.signal === "INT"))) return "";
  const ended = `The command ended with exit code ${ran.exit_code ?? "?"}: ${why.join(", ")}.`;
  const more = ran.timed_out ? longer(call) : ran.oom_killed ? larger(call) : "";
  return more === "" ? ended : `${ended} ${await spellForTerminal(asSaid(more))}`;
}

/** As the guest's agent exits for a program that is not there. */
const notFoundExitCode = 127;

const bounds = z.object({ timeout_seconds: z.number().optional(), mem_mib: z.number().optional() });

function longer({ input }: OperationCall): Said {
  const { timeout_seconds: seconds } = bounds.parse(input);
  const of = field("workspace_exec", "timeout_seconds");
  return seconds === undefined
    ? say`${of} of ${callPart("workspace_exec")} gives the next one more time.`
    : say`${of} gives it more than ${seconds} s.`;
}

function larger({ input }: OperationCall): Said {
  const { mem_mib: mib } = bounds.parse(input);
  const of = field("workspace_create", "mem_mib");
  return mib === undefined
    ? say`${of} of ${callPart("workspace_create")} gives a workspace more memory.`
    : say`${of} gives it more than ${mib} MiB.`;
}
