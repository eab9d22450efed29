// Owns running one command for several things, named or all there are: the question before, one document after. Never knows the command.
import * as z from "zod";
import { asPyroError, PyroError } from "../../base/error.js";
import { jsonLine } from "../../base/json-line.js";
import { indexedCommands } from "../../operations/commands.gen.js";
import type { SeveralShape } from "../../operations/operation.js";
import { callOperation } from "../connection.js";
import type { Command, CommandContext, WireInput } from "./command.js";
import { CommandFailure, exitCodes, interrupted } from "./exit.js";
import { positionalsOf } from "./flags.js";
import { isTerminalInput } from "./stdin.js";

/** The inputs that were named, or all that there are. */
export type Chosen = readonly WireInput[] | { readonly all: true; readonly yes: boolean };

/** Shows a failure that the others need not share; resolves with its exit code. */
export type Report = (thrown: unknown, context: CommandContext) => Promise<number>;

export async function runSeveral(
  command: Command,
  { chosen, report }: { readonly chosen: Chosen; readonly report: Report },
  context: CommandContext,
): Promise<number> {
  const inputs = "all" in chosen ? await everyInput(command, chosen.yes, context) : chosen;
  const documents: unknown[] = [];
  const each = context.json ? { ...context, stdout: { ...context.stdout, pass: collectInto(documents) } } : context;
  let code = 0;
  for (const input of inputs) {
    const own = await command.run(input, each).catch(async (error: unknown) => {
      if (isCanceled(error)) throw error;
      return report(error, each);
    });
    code ||= own;
  }
  if (context.json) await context.stdout.pass(jsonLine({ results: documents }));
  return code;
}

function collectInto(documents: unknown[]) {
  return (data: string | Uint8Array): Promise<void> => Promise.resolve(void documents.push(JSON.parse(String(data))));
}

function isCanceled(error: unknown): boolean {
  return (error instanceof CommandFailure ? error.error : asPyroError(error)).code === "canceled";
}

async function everyInput(command: Command, yes: boolean, context: CommandContext): Promise<readonly WireInput[]> {
  const { several } = command;
  const field = positionalsOf(command).at(-1)?.name;
  if (several === undefined || field === undefined) throw new PyroError("internal", "This command takes one thing.");
  const canAsk = isTerminalInput() && context.stderr.isTerminal && !context.json;
  if (!yes && !canAsk) {
    throw new PyroError("invalid_argument", "--all asks before it begins, and there is no terminal to ask on.", {
      hint: "Give --yes where the answer is yes.",
    });
  }
  const items = await itemsOf(several, field, context);
  if (items.length === 0) {
    if (!context.json) await context.stderr.write(`pyro: There are no ${several.in}.\n`);
    return [];
  }
  if (!yes) await ask(several, items, context);
  return items.map(({ id }) => ({ [field]: id }));
}

interface Item {
  readonly id: string;
  /** As a person knows it. */
  readonly title: string;
}

const named = z.object({ name: z.string().nullable().optional(), state: z.string().optional() });

async function itemsOf(
  { all, in: list }: SeveralShape,
  field: string,
  context: CommandContext,
): Promise<readonly Item[]> {
  const operation = await indexedCommands.find((each) => each.operation === all)?.load();
  if (operation === undefined) throw new PyroError("internal", `There is no operation ${all}.`);
  const result = await callOperation(context.connector, { operation, input: {} }, { surface: "cli" });
  const rows = z.array(z.record(z.string(), z.unknown())).parse(result[list]);
  return rows.map((row) => {
    const id = z.string().parse(row[field]);
    const { name, state } = named.parse(row);
    return { id, title: `${name ?? id}${state === undefined ? "" : ` (${state})`}` };
  });
}

async function ask(
  { does, in: noun }: SeveralShape,
  items: readonly Item[],
  { stderr }: CommandContext,
): Promise<void> {
  const titles = items.map(({ title }) => `  ${title}\n`).join("");
  const what = items.length === 1 ? noun.replace(/s$/u, "") : noun;
  await stderr.write(`This ${does} ${items.length} ${what}:\n${titles}`);
  // Only for a question: most commands ask none.
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  lines.once("SIGINT", () => gone.abort()).once("close", () => gone.abort());
  const answer = await lines.question("Go on? [y/N] ", { signal: gone.signal }).catch(() => undefined);
  lines.close();
  if (answer !== undefined && /^y(es)?$/iu.test(answer.trim())) return;
  const canceled = new PyroError("canceled", "Nothing was done.");
  if (answer === undefined) await stderr.write("\n");
  throw new CommandFailure(answer === undefined ? interrupted("SIGINT") : exitCodes.canceled, canceled);
}
