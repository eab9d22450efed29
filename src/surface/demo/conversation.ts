// Owns the loop between a model and its tools: who speaks next, and when it ends. Never prints.
import type { Ollama } from "./client.js";
import { prompt } from "./task.js";
import type { DemoTools, Goal } from "./tools.js";
import type { AssistantMessage, Message } from "./wire.js";

/** Answers of the model, and times that it is told to go on after it stopped too early. */
export const maxTurns = 24;
const maxReminders = 3;

export interface CallRecord {
  readonly turn: number;
  readonly name: string;
  readonly arguments: unknown;
  readonly is_error: boolean;
  readonly seconds: number;
  /** What the model was answered. */
  readonly result: string;
}

export interface Outcome {
  readonly turns: number;
  readonly calls: readonly CallRecord[];
  readonly goal: Goal;
  /** The model's last words. */
  readonly answer: string;
}

/** Hears of every step as it happens. */
export interface Listener {
  asked(turn: number): void;
  said(turn: number, message: AssistantMessage, seconds: number): Promise<void>;
  called(call: CallRecord): Promise<void>;
  reminded(goal: Goal): Promise<void>;
}

export interface Conversation {
  readonly ollama: Ollama;
  readonly model: string;
  readonly tools: DemoTools;
  readonly instructions: string;
  readonly listener: Listener;
}

/** Ends when the goal is reached and the model is done, or when it has used up its turns. */
export async function converse(conversation: Conversation, signal: AbortSignal): Promise<Outcome> {
  const { ollama, model, tools, instructions, listener } = conversation;
  const messages: Message[] = [
    { role: "system", content: instructions },
    { role: "user", content: prompt },
  ];
  const calls: CallRecord[] = [];
  let answer = "";
  let reminders = 0;
  let turn = 0;
  while (turn < maxTurns) {
    turn += 1;
    listener.asked(turn);
    const started = performance.now();
    const message = await ollama.chat({ model, messages, tools: tools.definitions }, signal);
    await listener.said(turn, message, secondsSince(started));
    messages.push(message);
    answer = message.content === "" ? answer : message.content;
    const wanted = message.tool_calls ?? [];
    for (const { function: call } of wanted) {
      const record = await perform({ tools, turn, call }, signal);
      calls.push(record);
      await listener.called(record);
      messages.push({ role: "tool", tool_name: record.name, content: record.result });
    }
    if (wanted.length > 0) continue;
    const goal = await tools.goal(signal);
    if (goal.isReached || reminders === maxReminders) break;
    reminders += 1;
    await listener.reminded(goal);
    messages.push({ role: "user", content: `That is not done yet: ${goal.text}. Go on, with the tools.` });
  }
  return { turns: turn, calls, goal: await tools.goal(signal), answer };
}

interface WantedCall {
  readonly tools: DemoTools;
  readonly turn: number;
  readonly call: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

async function perform({ tools, turn, call }: WantedCall, signal: AbortSignal): Promise<CallRecord> {
  const started = performance.now();
  const { text, isError } = await tools.call(call.name, call.arguments, signal);
  const { name, arguments: args } = call;
  return { turn, name, arguments: args, is_error: isError, seconds: secondsSince(started), result: text };
}

function secondsSince(started: number): number {
  return Math.round(performance.now() - started) / 1000;
}
