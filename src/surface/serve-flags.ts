// Owns reading the flags of `pyro mcp serve` back, for those who register it. Never serves.
import { isDeepStrictEqual } from "node:util";
import type { ServeFlags } from "../chat-host/serve-flags.js";
import { checkServeChoices, defaultProfile, type ServeChoices } from "../operations/serve-choices.js";
import { parseCommandArguments } from "./cli/arguments.js";
import { mcpServeCommand, mcpServeInput } from "./cli/serve.js";
import { PyroError } from "../base/error.js";
import { toolsOf } from "./mcp/tools.js";

export const serveFlags: ServeFlags = {
  tools: async (flags) => {
    const { profile = defaultProfile, mode } = await choicesIn(flags);
    return toolsOf({ profile, mode }).map(({ tool }) => tool.name);
  },
  mean: async (left, right) => {
    const [first, second] = await Promise.all([left, right].map((flags) => choicesIn(flags).catch(() => undefined)));
    return first !== undefined && isDeepStrictEqual(first, second);
  },
};

async function choicesIn(flags: readonly string[]): Promise<ServeChoices> {
  const parsed = await parseCommandArguments(mcpServeCommand, flags, () => Promise.resolve(""));
  if (parsed.kind === "help") throw new PyroError("invalid_argument", "--help is no choice.");
  const choices = mcpServeInput.parse(parsed.input);
  checkServeChoices(choices);
  return choices;
}
