// Owns what an operation is: one literal from which CLI, MCP, SDK, daemon API, help and reference follow. Never runs one.
import type { Readable } from "node:stream";
import type * as z from "zod";
import type { GitWish } from "../base/git-wish.js";
import type { AllowedRoots } from "../base/host-roots.js";
import type { Task } from "../base/progress.js";
import type { Said } from "../base/say.js";
import type { ProgramView } from "../process/output.js";
import type { Need } from "../workspace/access.js";
import type { CallerParts, DaemonParts } from "./parts.js";

/** What a call does to the world; the hints that MCP clients get follow from it. */
export type Effect = "read" | "create" | "change" | "delete";

export const profiles = ["vm-run", "workspace-core", "workspace-full"] as const;
export type Profile = (typeof profiles)[number];

export type OutputStream = "stdout" | "stderr";

/** One running call as its handler sees it. */
export interface Call<Needs extends Need | undefined = Need | undefined> extends Task {
  /** What the operation's literal says. */
  readonly needs: Needs;
  /** Standard input of the caller, where it has one to pass on. */
  readonly stdin: Readable | undefined;
  /** Whether all of it came: a caller that goes only ends it. */
  hasWholeStdin(): boolean;
  /** Socket of the caller's SSH agent, where it has one. */
  readonly sshAgent: string | undefined;
  /** The caller's PATH and PYRO_GIT. */
  readonly hostGit?: GitWish | undefined;
  /** Where the paths of `hostPaths` may lead, to be judged where they are opened. */
  readonly allowedRoots: AllowedRoots;
  /** True: output goes to `output` as it comes and not into the result. */
  readonly streaming: boolean;
  /** Hands on output of the guest; resolves when the caller can take more. */
  output(stream: OutputStream, data: Uint8Array): Promise<void>;
  /** Calls `listener` for every signal (such as `INT`) that the caller wants the guest to get. */
  onSignal(listener: (name: string) => void): void;
}

/** One running call of an operation that runs in the caller's process. */
export interface CallerTask<Result> extends Task {
  /** Hands on a part of the result ahead of its end, as a result of its own; resolves when the caller can take more. */
  part(result: Result): Promise<void>;
}

export interface CliShape {
  /** Words after `pyro`. */
  readonly path: readonly string[];
  /** Input fields given by position, in order; a field that has a default may be left out. */
  readonly positionals?: readonly string[];
  /** Input field that takes everything after `--`, untouched. */
  readonly rest?: string;
  /** Input fields that the command line does not offer. */
  readonly omit?: readonly string[];
  /** Flags whose name is not their field's: field → flag, without dashes. */
  readonly flagNames?: Readonly<Record<string, string>>;
  /** One-letter flags that hands type out of habit: letter → the flag that is named instead, built or planned, without dashes. */
  readonly alsoTyped?: Readonly<Record<string, string>>;
  /** Values that hands type for others: field → typed → meant. */
  readonly alsoMeant?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Text fields that may also come from a file (`-` = standard input): field → flag, without dashes. */
  readonly fromFile?: Readonly<Record<string, string>>;
  /** The last positional may be given several times: the command runs for each, one after the other. */
  readonly several?: SeveralShape;
  /** Text field that is read from standard input, where something is piped in and neither its flag nor its file's is given. */
  readonly fromStdin?: string;
  /** Fields that the command line makes up where they are not given. */
  readonly fallbacks?: Readonly<Record<string, FallbackShape>>;
  /** What is coloured in its text, on a terminal. */
  readonly paint?: "patch" | "states" | "findings";
  /** Switches that print one field of the result as a line and nothing else: flag, without dashes → field. */
  readonly only?: Readonly<Record<string, string>>;
  /** The same, byte for byte: from the field's `_base64` sibling where there is one, and without a newline of our own. */
  readonly raw?: Readonly<Record<string, string>>;
  /** Flags that write one text field of the result to a new file instead of standard output: flag → field. */
  readonly toFile?: Readonly<Record<string, string>>;
  /** Passes input, output and signals through as they come and exits as the guest command did. */
  readonly passThrough?: boolean;
  /** Lines at the end of the command's help. */
  readonly notes?: readonly string[];
  /** Its note says how to read the rest of a result that is not all. */
  readonly saysRest?: boolean;
  /** Exit code for a result; 0 when absent. */
  readonly exitCode?: (result: Readonly<Record<string, unknown>>) => number;
}

export interface FallbackShape {
  /** For help. */
  readonly shown: string;
  /** From the other fields, as they were given. */
  readonly of: (given: Readonly<Record<string, unknown>>) => string;
}

export interface SeveralShape {
  /** Operation whose result has all that `--all` stands for, which is asked before. */
  readonly all: string;
  /** Where that has them, which is also what they are called: a list of objects with the positional's field. */
  readonly in: string;
  /** What happens to them, for the question. */
  readonly does: string;
}

export interface McpShape<Input extends z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly profiles: readonly Profile[];
  /** Where a host loads tools on demand: from the start, or when the model has searched for something like these words. */
  readonly loading: "first" | { readonly foundBy: string };
  /** The narrowed input; every field of it means the same as in the full one. */
  readonly input: z.ZodObject;
  /** Fields of the full input that the model has no say in. */
  readonly fills?: Readonly<Partial<z.input<Input>>>;
  /** The field by which a call answers before its work is done; the server keeps it within the time that hosts wait. */
  readonly waits?: Extract<keyof z.input<Input>, string>;
  /** Fields of the result that the operation itself keeps within what hosts take: nothing else cuts them. */
  readonly bounded?: readonly string[];
  /** The field whose half asks for less, where a result is too long all the same: of an operation that only reads. */
  readonly halves?: Extract<keyof z.input<Input>, string>;
  /** For the model: when to use it, what comes back. At most 600 characters. */
  readonly description: string;
  /** Fields that models know under another name: of the full input → in `input`. */
  readonly names?: Readonly<Partial<Record<Extract<keyof z.input<Input>, string>, string>>>;
  /** What a model reads instead of `text` and `note`. */
  text?(result: z.output<Output>): string | Said;
  /** What a model reads where `text` is empty. */
  readonly emptyText?: string | ((result: Readonly<Record<string, unknown>>) => string);
}

/** Seconds of a tool call, which the server knows: chat hosts stop waiting. */
export interface ToolTime {
  /** So long a call of any client may work, and leave time for what surrounds that. */
  readonly work: number;
  /** So long a call of the most patient client may wait. */
  readonly longestWait: number;
}

/** What surfaces know of a guest's command: how it ended and what it wrote, and what only some operations have. */
export interface RanCommand extends ProgramView {
  readonly workspace_id?: string;
  /** Number of the command in its workspace. */
  readonly sequence?: number;
  readonly engine?: string;
  /** The workspace was stopped and has been started. */
  readonly restarted?: boolean;
  /** Commands of the workspace that have ended and left processes running. */
  readonly background_commands?: readonly number[];
}

/** Methods, not function fields: only so does every operation also fit the general `Operation` type. */

export interface Operation<
  Name extends string = string,
  Sdk extends string = string,
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodObject = z.ZodObject,
  Needs extends Need | undefined = Need | undefined,
> {
  /** Wire name, in snake_case; also the MCP tool's. */
  readonly name: Name;
  /** A few words. */
  readonly title: string;
  /** One sentence for help and reference. */
  readonly summary: string;
  readonly effect: Effect;
  /** What it starts can reach hosts beyond this one. */
  readonly openWorld?: boolean;
  /** Of an operation on a workspace: what it needs of it, and so what its handler can do there. */
  readonly needs?: Needs;
  /** Method of the SDK; absent where there is none. */
  readonly sdk?: Sdk;
  readonly cli?: CliShape;
  readonly mcp?: McpShape<Input, Output> | ((time: ToolTime) => McpShape<Input, Output>);
  readonly input: Input;
  readonly output: Output;
  /** Input fields that hold paths of the caller's host: made absolute before the call; the handler opens them within `call.allowedRoots`. */
  readonly hostPaths?: Readonly<Record<string, "read" | "write">>;
  /**
   * A text field that may be long, and the field that names a file of the caller's with the same text: one of them is given. A file,
   * and a text that is long, goes beside the input as standard input does, and comes as `call.stdin`.
   */
  readonly carries?: { readonly text: string; readonly file: string };
  /** Text field of the result that may be long: comes as output on `stdout`, and not in the result, where the caller is streaming. */
  readonly streams?: string;
  /** The result when no daemon runs; where it is given, the operation never starts one. */
  readonly withoutDaemon?: z.input<Output>;
  /** In the daemon. Every operation has this or `inCaller`; with both, the caller's part asks the daemon's. */
  handler?(parts: DaemonParts, input: z.output<Input>, call: Call<Needs>): Promise<z.input<Output>>;
  /** In the caller's own process, for what must work where no daemon can start. */
  inCaller?(parts: CallerParts, input: z.output<Input>, task: CallerTask<z.input<Output>>): Promise<z.input<Output>>;
  /** The result for a person, or a model that reads no structured content; without a final newline. Every operation has this or `ran`. */
  text?(result: z.output<Output>): string | Said;
  /** Given where the result is the outcome of a guest's command: surfaces show it as one, and the command line exits as it did. */
  ran?(result: z.output<Output>): RanCommand;
  /** The result with its sentences that name calls, in the words of a surface: a daemon's result lacks them. */
  worded?(result: z.output<Output>, input: z.output<Input>, spell: (said: Said) => string): z.output<Output>;
  /** What else there is to know: below the text for a model, on standard error for a person, whose standard output stays clean. */
  note?(result: z.output<Output>): string | Said;
}

/** Has a way to show its result. */
type Shown<Each extends Pick<Operation, "text" | "ran">> = Each &
  ({ text: NonNullable<Each["text"]> } | { ran: NonNullable<Each["ran"]> });

/** Declares an operation; only gives the literal its type. */
export function operation<
  const Name extends string,
  const Sdk extends string,
  Input extends z.ZodObject,
  Output extends z.ZodObject,
  const Needs extends Need | undefined = undefined,
>(literal: Shown<Operation<Name, Sdk, Input, Output, Needs>>): Operation<Name, Sdk, Input, Output, Needs> {
  return literal;
}
