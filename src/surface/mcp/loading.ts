// Owns what hosts that load tools on demand are told: which ones to load from the start. Never knows one by name.
import type { Tool } from "@modelcontextprotocol/server";
import type { McpShape } from "../../operations/operation.js";
import type * as z from "zod";

/** Characters of a result that Claude Code shows its model; it counts them as JSON. More than any result of ours has. */
const shownCharacters = 100_000;

const alwaysLoad = "anthropic/alwaysLoad";
const searchHint = "anthropic/searchHint";

/** Without this Claude Code lists bare names that the model has to load, and puts long results into a file. */
export function hostMeta({ loading }: Pick<McpShape<z.ZodObject>, "loading">): NonNullable<Tool["_meta"]> {
  const loaded = loading === "first" ? { [alwaysLoad]: true } : { [searchHint]: loading.foundBy };
  return { ...loaded, "anthropic/maxResultSizeChars": shownCharacters };
}

/** A tool beside the loop is all that there is where it is alone. */
export function loadedAlone(tools: readonly Tool[]): Tool[] {
  if (tools.length !== 1) return [...tools];
  return tools.map((tool) => {
    const { [searchHint]: _, ...meta } = tool._meta ?? {};
    return { ...tool, _meta: { [alwaysLoad]: true, ...meta } };
  });
}

/** Names of those that are there from the start. */
export function loadedFirst(tools: readonly Tool[]): readonly string[] {
  return tools.filter(({ _meta }) => _meta?.[alwaysLoad] === true).map(({ name }) => name);
}
