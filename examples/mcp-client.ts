// Drives `pyro mcp serve` as a chat host does, over standard input and output: node mcp-client.js CHECKOUT COMMAND.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [checkout = ".", command = "git log --oneline | head -n 3"] = process.argv.slice(2);

const client = new Client({ name: "example", version: "1.0.0" });
await client.connect(
  new StdioClientTransport({
    // Wherever it is installed; chat hosts get the absolute path.
    command: process.env["PYRO"] ?? "pyro",
    args: ["mcp", "serve", "--project-path", checkout],
    env: Object.fromEntries(
      Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
  }),
);

async function call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const result = await client.callTool({ name, arguments: args });
  if (result.isError === true) throw new Error(JSON.stringify(result.structuredContent));
  return Object(result.structuredContent) as Record<string, unknown>;
}

try {
  const { tools } = await client.listTools();
  console.error(`${tools.length} tools`);

  const created = await call("workspace_create", {});
  const id = created["workspace_id"];
  try {
    let ran = await call("workspace_exec", { workspace_id: id, command, timeout_seconds: 600 });
    // A call answers within 45 s; what takes longer goes on without it.
    while (ran["state"] === "running") {
      ran = await call("workspace_wait", { workspace_id: id, sequence: ran["sequence"] });
    }
    process.stdout.write(String(ran["stdout"]));
    process.exitCode = Number(ran["exit_code"]);
  } finally {
    await call("workspace_delete", { workspace_id: id });
  }
} finally {
  await client.close();
}
