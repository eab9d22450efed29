#!/usr/bin/env node
// Owns the start of the `pyro` process. Never does more than the fastest way to what was asked needs.
import { version } from "../../base/version.js";

const args = process.argv.slice(2);
if (args.length === 1 && args[0] === "--version") {
  process.stdout.write(`${version}\n`);
} else {
  const { runCli } = await import("./cli.js");
  await runCli(args);
}
