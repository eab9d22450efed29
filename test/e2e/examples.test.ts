// Proves that the programs in examples/ run as they stand, with the built package and real machines.

import { build } from "esbuild";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runFolder, startProgram } from "./command.js";
import { openHome, type Home } from "./home.js";
import { fix, makeRepository, testCommand } from "./repository.js";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Compiles the example as a user's tool would, against the package as it is built, and runs it. */
async function runExample(name: string, args: readonly string[], home: Home) {
  // In the checkout, where the other packages of an example are found.
  mkdirSync(join(root, "build"), { recursive: true });
  const folder = mkdtempSync(join(root, "build", "example-"));
  try {
    const dist = join(runFolder(), "dist");
    const outfile = join(folder, `${name}.mjs`);
    await build({
      absWorkingDir: root,
      entryPoints: [`examples/${name}.ts`],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20.19",
      alias: { "pyro-mcp": join(dist, "index.js") },
      packages: "external",
      external: [`${dist}/*`],
      logLevel: "warning",
    });
    const pyro = join(folder, "pyro");
    writeFileSync(pyro, `#!/bin/sh\nexec ${process.execPath} ${join(dist, "pyro.js")} "$@"\n`);
    chmodSync(pyro, 0o755);
    return await startProgram([process.execPath, outfile, ...args], { env: { ...home.env, PYRO: pyro } }).finished;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function workspacesOf(home: Home): Promise<unknown> {
  const { stdout } = await home.pyro(["workspace", "list", "--json"]);
  return JSON.parse(stdout.toString()).workspaces;
}

test("[sdk-workspace] the SDK's example reproduces, fixes and prints the patch, and its workspace is gone", async () => {
  using repository = makeRepository();
  await using own = openHome();
  const patchFile = `${repository.path}.patch`;
  writeFileSync(patchFile, fix);
  const { code, stdout, stderr } = await runExample("repro-fix", [repository.path, patchFile, testCommand], own);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/reproduced: exit code 1\n2 \+ 3 is -1\n\n?fixed\n$/u)]);
  repository.apply(stdout);
  const broken = await runExample("repro-fix", [repository.path, patchFile, testCommand], own);
  expect([broken.code, broken.stdout.toString()]).toEqual([1, ""]);
  expect(await workspacesOf(own)).toEqual([]);
});

test("[sdk-workspace] the MCP client's example runs a command in a workspace of the project, and its workspace is gone", async () => {
  using repository = makeRepository();
  await using own = openHome();
  const { code, stdout, stderr } = await runExample(
    "mcp-client",
    [repository.path, "git log --format=%s; exit 3"],
    own,
  );
  expect([code, stdout.toString(), stderr]).toEqual([3, "first\n", "18 tools\n"]);
  expect(await workspacesOf(own)).toEqual([]);
});
