// Runs a program to its end, with a deadline, and gives what it wrote. Knows nothing of what it runs.

import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

/** Milliseconds; the first run may have to build an environment from the mirror. */
const TIMEOUT_MS = 10 * 60_000;

/**
 * Rejects unless it exits with `code`.
 * @param {string[]} command
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, code?: number, stdin?: string}} options
 * @returns {Promise<{stdout: string, stderr: string}>}
 */
export async function capture([program, ...args], { cwd, env = process.env, code = 0, stdin }) {
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: TIMEOUT_MS,
  });
  child.stdin?.end(stdin);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => (texts[name] += text));
  }
  const ended = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve(status ?? signal));
  });
  if (ended === code) return texts;
  throw new Error(
    `${[program, ...args].join(" ")} ended with ${ended}, wanted ${code}\n${texts.stdout}${texts.stderr}`,
  );
}

/** npm, as it is installed on this machine. */
export function npm(args, options) {
  return capture([process.execPath, npmProgram(), "--no-audit", "--no-fund", "--loglevel=error", ...args], options);
}

/** npm's own program, so that another node can run it. */
export function npmProgram() {
  const { stdout, status } = spawnSync("npm", ["root", "--global", "--loglevel=error"], { encoding: "utf8" });
  if (status !== 0) throw new Error("npm does not run");
  return join(stdout.trim(), "npm", "bin", "npm-cli.js");
}
