// Owns the reference of the SDK. Never says what the types do not.
import type * as z from "zod";
import type { Operation } from "../../operations/operation.js";
import { operations } from "../../operations/table.js";
import { camelCase } from "../sdk/case.js";
import { code, page } from "./markdown.js";
import { firstTold, inputTable, outputTable } from "./field-table.js";

const example = `import { Pyro, PyroError } from "pyro-mcp";

const pyro = new Pyro();
const result = await pyro.runInVm(
  { environment: "debian:12", command: ["git", "--version"] },
  { onProgress: ({ message }) => console.error(message), signal: AbortSignal.timeout(300_000) },
);
console.log(result.exitCode, result.stdout);

try {
  await pyro.inspectEnvironment({ environment: "nope" });
} catch (error) {
  if (error instanceof PyroError) console.error(error.code, error.hint);
}`;

const mcpLibrary = "@modelcontextprotocol/server";

const serverExample = `import { createServer } from "pyro-mcp";
import { StdioServerTransport } from "${mcpLibrary}/stdio";

const server = await createServer({ profile: "vm-run" });
await server.connect(new StdioServerTransport());`;

export function sdkPage(): string {
  const table: readonly Operation[] = operations;
  const told = new Map<z.ZodObject, string>();
  return page("SDK", [
    code("ts", example),
    "`new Pyro({ home })` uses the state, cache and daemon of another folder than the user's, as `PYRO_HOME` does. Every " +
      "method takes its input and then `{ signal, onProgress, onOutput, stdin }`, all optional: `signal` cancels, " +
      "`onOutput(stream, data)` gets a guest's output as it happens (the result's `stdout` and `stderr` are then empty), " +
      "and `stdin` is passed on to the guest's command. Every failure is a `PyroError` with `code`, `message` and `hint`; " +
      "see [errors](errors.md). A guest command that fails is a result.",
    ...table.flatMap((operation) => methodSection(operation, told)),
    "## createServer",
    "An MCP server to embed, with the tools of a profile; see [MCP tools](mcp.md).",
    code("ts", serverExample),
  ]);
}

function methodSection({ sdk, summary, input, output }: Operation, told: Map<z.ZodObject, string>): readonly string[] {
  if (sdk === undefined) return [];
  const options = { nameOf: camelCase };
  const fields = inputTable(input, options);
  const first = firstTold(told, output, sdk);
  return [
    `## ${sdk}`,
    summary,
    ...(fields === "" ? [] : ["Input:", fields]),
    ...(first === undefined
      ? ["Result:", outputTable(output, options)]
      : [`Result: as of [${first}](#${first.toLowerCase()}).`]),
  ];
}
