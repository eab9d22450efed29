// Owns how the command line spells what errors and results say. Loads only the operations that a sentence names.
import type { Part, Said, Speaker } from "../../base/say.js";
import { spell } from "../../base/say.js";
import { indexedCommands } from "../../operations/commands.gen.js";
import type { Operation } from "../../operations/operation.js";

export async function spellForTerminal(said: Said): Promise<string> {
  return spell(said, await speakerFor(said.parts));
}

/** For sentences of these parts. */
export async function speakerFor(parts: readonly Part[]): Promise<Speaker> {
  const names = new Set(parts.flatMap(namesIn));
  if (names.size === 0) return { call: () => undefined, field: () => undefined };
  const { terminalSpeaker } = await import("../command-line.js");
  const loaded = await Promise.all(
    indexedCommands.filter(({ operation }) => names.has(operation)).map(async ({ load }) => load()),
  );
  const byName = new Map<string, Operation>(loaded.map((operation) => [operation.name, operation]));
  return terminalSpeaker((name) => byName.get(name));
}

function namesIn(part: Part): readonly string[] {
  if (typeof part === "string") return [];
  if ("either" in part) return part.either.flat().flatMap(namesIn);
  return ["call" in part ? part.call : part.of];
}
