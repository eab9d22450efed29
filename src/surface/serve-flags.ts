// Owns reading the flags of `pyro mcp serve` back, for those who register it. Never serves.
import { isDeepStrictEqual } from "node:util";
import { maskPasswords } from "../base/mask-passwords.js";
import type { Origin, ServeFlags } from "../chat-host/serve-flags.js";
import {
  checkServeChoices,
  defaultProfile,
  serveChoicesOf,
  serveFlagsOf,
  type ServeChoices,
} from "../operations/serve-choices.js";
import { parseCommandArguments } from "./cli/arguments.js";
import { mcpServeCommand, mcpServeInput } from "./cli/serve-mcp.js";
import { PyroError } from "../base/error.js";
import { listedTools } from "./mcp/listed-tools.js";

export const serveFlags: ServeFlags = {
  tools: async (flags) => {
    const { profile = defaultProfile, mode } = await choicesIn(flags);
    return listedTools({ profile, mode }).map(({ name }) => name);
  },
  mean: async (left, right) => {
    const [first, second] = await Promise.all([left, right].map((flags) => choicesIn(flags).catch(() => undefined)));
    return first !== undefined && isDeepStrictEqual(first, second);
  },
  tried: async (flags, origin) => {
    const choices = await choicesIn(flags);
    const isKept = ([field]: [string, unknown]) => triedFields[origin].some((each) => each === field);
    const part = (wanted: boolean) =>
      serveFlagsOf(
        serveChoicesOf(Object.fromEntries(Object.entries(choices).filter((each) => isKept(each) === wanted))),
      );
    const leftOut = part(false);
    return { kept: part(true), leftOut: leftOut.length === 0 ? [] : [leftOut.map(maskPasswords).join(" ")] };
  },
};

/** A project may choose among tools of ours; what names a path, a program or an address is only the user's to say. */
const triedFields: Readonly<Record<Origin, readonly (keyof ServeChoices)[]>> = {
  project: ["mode", "profile"],
  user: ["mode", "profile", "environment", "project_path", "repo_url", "repo_ref", "no_project_source", "include"],
};

async function choicesIn(flags: readonly string[]): Promise<ServeChoices> {
  const parsed = await parseCommandArguments(mcpServeCommand, flags, {
    read: () => Promise.resolve(""),
    isPiped: () => false,
  });
  if (parsed.kind !== "input") throw new PyroError("invalid_argument", "These are no choices of a server.");
  const choices = mcpServeInput.parse(parsed.input);
  checkServeChoices(choices);
  return choices;
}
