// Owns driving the same operations through the command line, MCP and the SDK, with results in wire names. Never judges them.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Pyro } from "../../src/index.js";
import { runFolder } from "./command.js";
import type { Home } from "./home.js";
import { connectMcp, type StructuredContent } from "./mcp-client.js";

export interface Surface extends AsyncDisposable {
  readonly name: string;
  create(seedPath: string): Promise<StructuredContent>;
  exec(id: string, command: string): Promise<StructuredContent>;
  patch(id: string, patch: string): Promise<StructuredContent>;
  diff(id: string): Promise<StructuredContent>;
  export(id: string, path: string, outputPath: string): Promise<StructuredContent>;
  reset(id: string): Promise<StructuredContent>;
  delete(id: string): Promise<StructuredContent>;
}

export function openCommandLine(home: Home): Surface {
  const run = async (args: readonly string[], stdin?: string) => {
    const [own, rest] = args.includes("--")
      ? [args.slice(0, args.indexOf("--")), args.slice(args.indexOf("--"))]
      : [args, []];
    const input = stdin === undefined ? {} : { stdin: Buffer.from(stdin) };
    const { stdout } = await home.pyro(["workspace", ...own, "--json", ...rest], input);
    return JSON.parse(stdout.toString()) as StructuredContent;
  };
  return {
    name: "command line",
    create: (seedPath) => run(["create", "--seed-path", seedPath]),
    exec: (id, command) => run(["exec", id, "--", "bash", "-lc", command]),
    patch: (id, patch) => run(["patch", "apply", id, "--patch-file", "-"], patch),
    diff: (id) => run(["diff", id]),
    export: (id, path, outputPath) => run(["export", id, path, "--output", outputPath]),
    reset: (id) => run(["reset", id]),
    delete: (id) => run(["delete", id]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export async function openMcp(home: Home, cwd: string): Promise<Surface> {
  const server = await connectMcp(home, { cwd });
  const { call } = server;
  return {
    name: "MCP",
    create: (seedPath) => call("workspace_create", { seed_path: seedPath }),
    exec: (id, command) => call("workspace_exec", { workspace_id: id, command }),
    patch: (id, patch) => call("workspace_patch_apply", { workspace_id: id, patch }),
    diff: (id) => call("workspace_diff", { workspace_id: id }),
    export: (id, path, outputPath) => call("workspace_export", { workspace_id: id, path, output_path: outputPath }),
    reset: (id) => call("workspace_reset", { workspace_id: id }),
    delete: (id) => call("workspace_delete", { workspace_id: id }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The bundled SDK, in this process. */
export async function openSdk(home: Home): Promise<Surface> {
  const entry = pathToFileURL(join(runFolder(), "dist", "index.js")).href;
  const loaded = (await import(entry)) as { readonly Pyro: new (options: { readonly home: string }) => Pyro };
  const pyro = new loaded.Pyro({ home: home.path });
  return {
    name: "SDK",
    create: async (seedPath) => toWire(await pyro.createWorkspace({ seedPath })),
    exec: async (workspaceId, command) => toWire(await pyro.execWorkspace({ workspaceId, command })),
    patch: async (workspaceId, patch) => toWire(await pyro.applyWorkspacePatch({ workspaceId, patch })),
    diff: async (workspaceId) => toWire(await pyro.diffWorkspace({ workspaceId })),
    export: async (workspaceId, path, outputPath) =>
      toWire(await pyro.exportWorkspace({ workspaceId, path, outputPath })),
    reset: async (workspaceId) => toWire(await pyro.resetWorkspace({ workspaceId })),
    delete: async (workspaceId) => toWire(await pyro.deleteWorkspace({ workspaceId })),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function toWire(value: unknown): StructuredContent {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).map(([name, each]) => [snakeCase(name), each]))
      : inner,
  ) as StructuredContent;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}
