// Owns the answer to tools/list, without the operations behind it. Never calls one.
import type { Tool } from "@modelcontextprotocol/server";
import { everyTool, namesOf } from "./listed-tools.gen.js";
import { loadedAlone } from "./loading.js";
import { modeShapes } from "./modes.js";
import type { ToolChoice } from "./tools.js";

/** The same as of `toolsOf`, in the same order. */
export function listedTools({ profile, mode, environment }: ToolChoice): Tool[] {
  const { tools: names, descriptions = {} } = mode === undefined ? { tools: namesOf[profile] } : modeShapes[mode];
  const listed = everyTool
    .filter(({ name }) => names.includes(name))
    .map((tool) => ({
      ...tool,
      description: descriptions[tool.name] ?? tool.description,
      inputSchema: environment === undefined ? tool.inputSchema : withEnvironment(tool.inputSchema, environment),
    }));
  return loadedAlone(listed);
}

function withEnvironment(schema: Tool["inputSchema"], environment: string): Tool["inputSchema"] {
  const field = schema.properties?.["environment"];
  if (typeof field !== "object" || Array.isArray(field)) return schema;
  return { ...schema, properties: { ...schema.properties, environment: { ...field, default: environment } } };
}
