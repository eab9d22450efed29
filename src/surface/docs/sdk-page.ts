// Owns the reference of the SDK. Never says what the types do not.
import type * as z from "zod";
import { needsText } from "../../operations/needs.js";
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

const workspaceExample = `import { Pyro } from "pyro-mcp";

const pyro = new Pyro();
await using workspace = await pyro.workspace({ seedPath: "." });
const { exitCode } = await workspace.exec({ command: "make test", timeoutSeconds: 600 });
if (exitCode !== 0) console.log((await workspace.diff()).patch);`;

const mcpLibrary = "@modelcontextprotocol/server";

const serverExample = `import { createServer } from "pyro-mcp";
import { StdioServerTransport } from "${mcpLibrary}/stdio";

const server = await createServer({ projectPath: "/home/you/project" });
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
    "## workspace",
    "`pyro.workspace(…)` takes what createWorkspace takes and returns an object with `id`, `created` (the result) and the " +
      "methods below that take a workspace's id, without that id and without `Workspace` in their names: `exec`, `applyPatch`, " +
      "`diff`, `readFile`, … Disposing it deletes the workspace. Whole programs are in [examples](../../examples).",
    code("ts", workspaceExample),
    ...table.flatMap((operation) => methodSection(operation, told)),
    "## createServer",
    "An MCP server to embed, with the choices of `pyro mcp serve` in camelCase: `profile` or `mode`, `projectPath`, `repoUrl` " +
      "and `repoRef` or `noProjectSource`, `include`, `environment`, `allowHostPaths`; see [MCP tools](mcp.md).",
    code("ts", serverExample),
  ]);
}

function methodSection(
  { sdk, summary, needs, input, output }: Operation,
  told: Map<z.ZodObject, string>,
): readonly string[] {
  if (sdk === undefined) return [];
  const options = { nameOf: camelCase };
  const fields = inputTable(input, options);
  const first = firstTold(told, output, sdk);
  return [
    `## ${sdk}`,
    summary,
    ...(needs === undefined ? [] : [needsText[needs]]),
    ...(fields === "" ? [] : ["Input:", fields]),
    ...(first === undefined
      ? ["Result:", outputTable(output, options)]
      : [`Result: as of [${first}](#${first.toLowerCase()}).`]),
  ];
}
