// Reproduces a failure in a workspace, fixes it there, and prints the patch: node repro-fix.js CHECKOUT PATCH_FILE COMMAND.
import { readFile } from "node:fs/promises";
import { Pyro, PyroError } from "pyro-mcp";

const [checkout = ".", patchFile = "fix.patch", command = "make test"] = process.argv.slice(2);
const pyro = new Pyro();

try {
  // A copy of the checkout as it is now. The workspace is deleted at the end of this block, whatever happens in it.
  await using workspace = await pyro.workspace(
    { seedPath: checkout, labels: { task: "repro-fix" } },
    { onProgress: ({ message }) => console.error(message) },
  );

  const before = await workspace.exec({ command, timeoutSeconds: 300 });
  if (before.exitCode === 0) throw new Error(`${command} does not fail: there is nothing to fix`);
  console.error(`reproduced: exit code ${before.exitCode}\n${before.stderr}`);

  await workspace.applyPatch({ patch: await readFile(patchFile, "utf8") });

  const after = await workspace.exec({ command, timeoutSeconds: 300 });
  if (after.exitCode !== 0) throw new Error(`still fails:\n${after.stderr}`);
  console.error("fixed");

  // Only this reaches the host.
  const { patch } = await workspace.diff();
  process.stdout.write(patch);
} catch (error) {
  // A PyroError says in its hint what to do next.
  console.error(error instanceof PyroError ? `${error.code}: ${error.message}\n${error.hint}` : error);
  process.exitCode = 1;
}
