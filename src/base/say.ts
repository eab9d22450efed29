// Owns sentences in which calls and fields stand as data, so that each surface spells them as its callers write them. Never knows a surface.
import type { CallFields } from "./calls.gen.js";

/** Name of an operation. */
export type CallName = keyof CallFields;

export type CallValue = string | number | boolean | readonly string[];

export type CallInput = Readonly<Record<string, CallValue>>;

/** A call to make; fields that its input leaves out are the caller's to fill in. */
export interface CallPart {
  readonly call: string;
  readonly input: CallInput;
}

/** One field of an operation's input, with a value where it is a certain one. */
export interface FieldPart {
  readonly field: string;
  readonly of: string;
  readonly value?: CallValue | undefined;
}

export type PlainPart = string | CallPart | FieldPart;

/** The first of these that the surface has all calls and fields of; nothing where there is none. */
export interface EitherPart {
  readonly either: readonly (readonly PlainPart[])[];
}

export type Part = PlainPart | EitherPart;

export interface Said {
  readonly parts: readonly Part[];
  /** With wire names, for whoever cannot spell the parts. */
  readonly plain: string;
}

/** How callers of one surface write calls and fields, as nouns of a sentence; undefined for what they do not have. */
export interface Speaker {
  call(part: CallPart): string | undefined;
  field(part: FieldPart): string | undefined;
}

/** A sentence: say`Make one by ${call("workspace_create")}.` */
export function say(texts: TemplateStringsArray, ...values: readonly (string | number | Part | Said)[]): Said {
  const parts = texts.flatMap((text, index) => [text, ...partsOf(values[index] ?? "")]).filter((part) => part !== "");
  return { parts, plain: speak(parts, wireSpeaker) ?? "" };
}

export function call<Name extends CallName>(
  name: Name,
  input?: Readonly<Partial<Record<CallFields[Name], CallValue>>>,
): CallPart {
  return { call: name, input: { ...input } };
}

export function field<Name extends CallName>(of: Name, name: CallFields[Name], value?: CallValue): FieldPart {
  return { field: name, of, value };
}

/** What only some surfaces have, or some choices of tools, with what to say elsewhere. Holds no other of its kind. */
export function either(...choices: readonly Said[]): EitherPart {
  return { either: choices.map(({ parts }) => parts.filter(isPlain)) };
}

/** What only a person can type, in a terminal: alike on all surfaces. */
export function forPerson(texts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return String.raw({ raw: texts }, ...values);
}

/** A sentence that names no call, or one that is a sentence already. */
export function asSaid(text: string | Said): Said {
  return typeof text === "string" ? { parts: text === "" ? [] : [text], plain: text } : text;
}

/** Sentences one after the other. */
export function sayAll(sentences: readonly (string | Said)[]): Said {
  const said = sentences.map(asSaid).filter(({ parts }) => parts.length > 0);
  return {
    parts: said.flatMap(({ parts }, index) => (index === 0 ? parts : [" ", ...parts])),
    plain: said.map(({ plain }) => plain).join(" "),
  };
}

/** In the words of a surface, or the plain ones where it lacks a call that nothing else is said for. */
export function spell(said: Said, speaker: Speaker): string {
  return speak(said.parts, speaker) ?? said.plain;
}

/** How the daemon's own callers write them. */
export const wireSpeaker: Speaker = {
  call: ({ call: name, input }) =>
    Object.keys(input).length === 0 ? name : `${name} with ${Object.entries(input).map(wireField).join(", ")}`,
  field: ({ field: name, value }) => (value === undefined ? name : wireField([name, value])),
};

function wireField([name, value]: readonly [string, CallValue]): string {
  return `${name} ${JSON.stringify(value)}`;
}

function speak(parts: readonly Part[], speaker: Speaker): string | undefined {
  const spoken = parts.map((part) => speakPart(part, speaker));
  return spoken.includes(undefined) ? undefined : spoken.join("");
}

function speakPart(part: Part, speaker: Speaker): string | undefined {
  if (typeof part === "string") return part;
  if ("call" in part) return speaker.call(part);
  if ("field" in part) return speaker.field(part);
  return part.either.map((choice) => speak(choice, speaker)).find((text) => text !== undefined) ?? "";
}

function isPlain(part: Part): part is PlainPart {
  return typeof part === "string" || !("either" in part);
}

function partsOf(value: string | number | Part | Said): readonly Part[] {
  if (typeof value === "number") return [String(value)];
  return typeof value === "object" && "parts" in value ? value.parts : [value];
}
