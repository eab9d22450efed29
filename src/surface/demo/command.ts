// Owns the narrated tour of a one-shot machine. Never does anything that the ordinary commands could not.
import * as z from "zod";
import { jsonLine } from "../../base/json-line.js";
import { runOperation as vmRun } from "../../operations/run.js";
import { envPullOperation } from "../../operations/env.js";
import { daemonStatusOperation } from "../../operations/daemon.js";
import { defaultEnvironment } from "../../operations/fields.js";
import type { Operation } from "../../operations/operation.js";
import { callOperation, type WireInput, type WireResult } from "../connection.js";
import type { Command, Context } from "../cli/command.js";
import { interruptible, type Interrupts } from "../cli/interrupts.js";
import { progressDisplay } from "../cli/progress-display.js";

interface Step {
  readonly title: string;
  /** What a person would type for the same. */
  readonly command: string;
  readonly operation: Operation;
  readonly input: WireInput;
  /** The result in a few lines. */
  show(result: WireResult): string;
}

const steps: readonly Step[] = [
  {
    title: `Install the environment ${defaultEnvironment}, once`,
    command: `pyro env pull ${defaultEnvironment}`,
    operation: envPullOperation,
    input: { environment: defaultEnvironment },
    show: (result) => (result["changed"] === true ? "installed" : "it was there already"),
  },
  guestStep("Start a machine, run git inside, delete the machine", "git --version"),
  guestStep("Another machine; its kernel is its own, not the host's", "uname -a"),
  {
    title: "Both machines are gone",
    command: "pyro daemon status",
    operation: daemonStatusOperation,
    input: {},
    show: ({ running_machines: running }) =>
      running === 0 ? "no machine runs" : `${String(running)} running: your workspaces`,
  },
];

export const demoCommand: Command = {
  path: ["demo"],
  summary: "Show the life of a one-shot machine, step by step.",
  input: z.strictObject({}),
  notes: ["`pyro demo ollama` lets a model of an Ollama server work in a workspace."],
  run: (_input, context) => interruptible((interrupts) => tour(context, interrupts)),
};

async function tour(context: Context, interrupts: Interrupts): Promise<number> {
  const signal = AbortSignal.any([interrupts.signal, context.outputFailed]);
  const done: { command: string; seconds: number; result: WireResult }[] = [];
  for (const [index, step] of steps.entries()) {
    await say(context, `\n[${index + 1}/${steps.length}] ${step.title}\n$ ${step.command}\n`);
    const started = performance.now();
    const result = await perform(step, context, signal);
    const seconds = Math.round(performance.now() - started) / 1000;
    await say(context, `${step.show(result)}\n  (${seconds.toFixed(1)} s)\n`);
    done.push({ command: step.command, seconds, result });
  }
  if (context.json) await context.stdout.pass(jsonLine({ steps: done }));
  return 0;
}

function guestStep(title: string, command: string): Step {
  return {
    title,
    command: `pyro run ${defaultEnvironment} -- ${command}`,
    operation: vmRun,
    input: { environment: defaultEnvironment, command: command.split(" ") },
    show: (result) => vmRun.output.parse(result).stdout.trimEnd(),
  };
}

async function perform({ operation, input }: Step, context: Context, signal: AbortSignal): Promise<WireResult> {
  const progress = progressDisplay(context.stderr);
  try {
    return await callOperation(
      context.connector,
      { operation, input },
      { surface: "demo", signal, onProgress: progress.update },
    );
  } finally {
    progress.stop();
  }
}

async function say({ json, stdout }: Context, text: string): Promise<void> {
  if (!json) await stdout.write(text);
}
