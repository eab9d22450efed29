#!/usr/bin/env node
// Owns the start of the `pyro` process. Never does more than the fastest way to what was asked needs.
import { join } from "node:path";
import { runBundle } from "../../base/compiled-bundle.js";
import { PyroError } from "../../base/error.js";
import { jsonLine } from "../../base/json-line.js";
import { isNodeNewEnough, oldestNode } from "../../base/node-version.js";
import { version } from "../../base/version.js";
import type { RunEntry } from "./entry.js";
import { exitCodes } from "./exit.js";
import { entryFor, writtenOut } from "./words.js";

const args = writtenOut(process.argv.slice(2));
if (args.length === 1 && args[0] === "--version") {
  process.stdout.write(`${version}\n`);
} else if (!isNodeNewEnough(process.versions.node)) {
  // Here, because the rest may not even load there.
  const message = `pyro needs Node ${oldestNode} or newer; this is Node ${process.versions.node}.`;
  const hint = "Debian 13 has it as nodejs; elsewhere take the Node project's archive, and put its bin first in PATH.";
  const error = new PyroError("unavailable", message, { hint });
  if (args.includes("--json")) process.stdout.write(jsonLine({ error: error.toBody() }));
  else process.stderr.write(`pyro: ${message}\n  ${hint}\n`);
  process.exitCode = exitCodes.unavailable;
} else {
  const { exports, keep } = runBundle(join(import.meta.dirname, `${entryFor(args)}.cjs`));
  // What the bundler made of entry-*.ts.
  const { run } = exports as { readonly run: RunEntry };
  await run(args, keep);
}
