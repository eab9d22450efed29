// Owns the demo in which a model of an Ollama server repairs a small project in a workspace. Never does the model's work.
import * as z from "zod";
import { jsonLine } from "../../base/json-line.js";
import { shortened } from "../../base/text.js";
import { visibleLine } from "../../base/visible.js";
import type { Command, Context } from "../cli/command.js";
import { interruptible } from "../cli/interrupts.js";
import { progressDisplay, type ProgressDisplay } from "../cli/progress-display.js";

const input = z.strictObject({
  base_url: z
    .url({ protocol: /^https?$/u, error: "must be an http or https address" })
    .max(2048)
    .default("http://127.0.0.1:11434")
    .meta({ title: "URL", description: "Address of the Ollama server." }),
  model: z.string().min(1).max(256).optional().meta({
    title: "NAME",
    description: "Model that can call tools; the first such one that the server has, when absent.",
  }),
});

export const demoOllamaCommand: Command = {
  path: ["demo", "ollama"],
  summary: "Let a model of an Ollama server make a failing test pass in a workspace.",
  input,
  notes: [
    "The model gets six of the MCP tools and a copy of a small project, made for this and removed afterwards. Every step is one",
    "line; the last line says how it went. Exits with 0 when the test passes in the end, else with 1.",
  ],
  run: (given, context) => interruptible(({ signal }) => demonstrate(input.parse(given), context, signal)),
};

type Input = z.output<typeof input>;

async function demonstrate({ base_url, model: wanted }: Input, context: Context, signal: AbortSignal): Promise<number> {
  const [{ ollamaAt }, { chooseModel }, { makeProject }, { DemoTools }, { converse }, { instructionsOf }] =
    await Promise.all([
      import("./client.js"),
      import("./model.js"),
      import("./task.js"),
      import("./tools.js"),
      import("./conversation.js"),
      import("../mcp/instructions.js"),
    ]);
  const stop = AbortSignal.any([signal, context.outputFailed]);
  const started = performance.now();
  const ollama = ollamaAt(base_url);
  const version = await ollama.version(stop);
  const model = await chooseModel(ollama, wanted, stop);
  const say = (text: string) => (context.json ? Promise.resolve() : context.stdout.write(`${text}\n`));
  await say(`model ${model}, Ollama ${visibleLine(version)} at ${base_url}`);
  const progress = progressDisplay(context.stderr);
  try {
    await using project = await makeProject();
    await using tools = new DemoTools({
      connector: context.connector,
      projectPath: project.folder,
      onProgress: progress.update,
    });
    await say(`tools ${tools.names.join(", ")}`);
    const instructions = instructionsOf({ tools: tools.names, loadedFirst: [], sourceText: tools.sourceText });
    const listener = listen(say, progress);
    const outcome = await converse({ ollama, model, tools, instructions, listener }, stop);
    progress.stop();
    const seconds = Math.round(performance.now() - started) / 1000;
    const { turns, calls, goal, answer } = outcome;
    const ending = { passed: goal.isReached, goal: goal.text, turns, seconds };
    if (context.json) {
      const document = { model, base_url, version, ...ending, answer, patch: goal.patch, calls };
      await context.stdout.pass(jsonLine(document));
    }
    if (goal.patch !== "") await say(`\n${goal.patch.trimEnd()}\n`);
    const how = goal.isReached ? "passed" : `failed: ${goal.text}`;
    await say(`done: ${count(turns, "turn")}, ${count(calls.length, "tool call")}, ${seconds.toFixed(1)} s, ${how}`);
    return goal.isReached ? 0 : 1;
  } finally {
    progress.stop();
  }
}

function listen(say: (text: string) => Promise<void>, progress: ProgressDisplay) {
  return {
    asked: (turn: number) => progress.update({ phase: `turn ${turn}`, message: `The model thinks (turn ${turn})` }),
    said: async (turn: number, { content, tool_calls = [] }: Said, seconds: number) => {
      progress.clear();
      const words = content.trim() === "" ? "" : `: ${line(content)}`;
      await say(`[${turn}] ${seconds.toFixed(1)} s, ${count(tool_calls.length, "tool call")}${words}`);
    },
    called: async (call: Called) => {
      progress.clear();
      const how = call.is_error ? "refused: " : "";
      await say(`    ${visibleLine(call.name)} ${line(JSON.stringify(call.arguments))}`);
      await say(`      ${how}${line(call.result)} (${call.seconds.toFixed(1)} s)`);
    },
    reminded: ({ text }: { readonly text: string }) => say(`    not done: ${text}; the model is told to go on`),
  };
}

interface Said {
  readonly content: string;
  readonly tool_calls?: readonly unknown[];
}

interface Called {
  readonly name: string;
  readonly arguments: unknown;
  readonly result: string;
  readonly seconds: number;
  readonly is_error: boolean;
}

/** Characters of what a model or a tool says that a line shows. */
const shownCharacters = 110;

function line(text: string): string {
  const whole = text.trim().replaceAll(/\s+/gu, " ");
  return visibleLine(shortened(whole, shownCharacters));
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
