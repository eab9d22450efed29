// Owns which model the demo takes. Never asks it anything.
import { closest } from "../../base/closest.js";
import { PyroError } from "../../base/error.js";
import type { Ollama } from "./client.js";

/** The one that is asked for, else the first that can call tools. Says which there are when none fits. */
export async function chooseModel(ollama: Ollama, wanted: string | undefined, signal: AbortSignal): Promise<string> {
  const names = await ollama.models(signal);
  if (wanted === undefined) return firstWithTools(ollama, names, signal);
  const name = [wanted, `${wanted}:latest`].find((each) => names.includes(each));
  if (name === undefined) throw missing(wanted, names);
  if ((await ollama.canCallTools(name, signal)) === false) {
    throw new PyroError("unsupported", `The model ${name} cannot call tools.`, {
      hint: `Choose another with --model. ${listing(names)}`,
    });
  }
  return name;
}

async function firstWithTools(ollama: Ollama, names: readonly string[], signal: AbortSignal): Promise<string> {
  for (const name of names) if ((await ollama.canCallTools(name, signal)) !== false) return name;
  throw new PyroError("not_found", "The Ollama server has no model that can call tools.", {
    hint: `Install one, such as \`ollama pull qwen3\`. ${listing(names)}`,
  });
}

function missing(wanted: string, names: readonly string[]): PyroError {
  const meant = closest(wanted, names);
  return new PyroError("not_found", `The Ollama server has no model ${wanted}.`, {
    hint: `${meant === undefined ? "" : `Did you mean ${meant}? `}${listing(names)} \`ollama pull ${wanted}\` installs it.`,
  });
}

function listing(names: readonly string[]): string {
  return names.length === 0 ? "It has none." : `It has: ${names.join(", ")}.`;
}
