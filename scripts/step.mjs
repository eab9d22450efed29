// Runs one step of the set-up or the build and shows that it is alive: a spinner on a terminal, plain lines elsewhere.
// Keeps the step's output in build/logs/NAME.log and shows it in full when the step fails. Knows nothing about what the steps do.

import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ANNOUNCE_AFTER_MS = 1000;
const CLEAR_LINE = "\r\u001b[K";

/**
 * Resolves with the exit code of `command`; never rejects for a step that fails.
 * @param {{name: string, log?: string, command: string[], cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean, spinner?: boolean}} step
 *   `quiet` hides the failed step's output, for one that is tried again; without `spinner` it shares the terminal with others
 * @returns {Promise<number>}
 */
export async function runStep({
  name,
  log: logName = name,
  command,
  cwd = root,
  env = process.env,
  quiet = false,
  spinner = true,
}) {
  const logs = join(root, "build", "logs");
  mkdirSync(logs, { recursive: true });
  const logPath = join(logs, `${logName.replaceAll(/[^A-Za-z0-9.-]+/g, "-")}.log`);
  const log = createWriteStream(logPath);
  const display = showProgress(name, spinner);
  const code = await new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        log.write(chunk);
        display.note(chunk);
      });
    }
    child.on("error", (error) => {
      log.write(`${error.message}\n`);
      resolve(127);
    });
    child.on("close", (status, signal) => resolve(signal === null ? status : 130));
  });
  await new Promise((resolve) => log.end(resolve));
  display.end(code);
  if (code !== 0 && !quiet) process.stderr.write(readFileSync(logPath, "utf8"));
  return code;
}

/**
 * Resolves with the exit code of a command that writes to this terminal itself.
 * @param {string[]} command
 * @param {NodeJS.ProcessEnv} [extraEnv]
 * @returns {Promise<number>}
 */
export async function spawnShown(command, extraEnv = {}) {
  const child = spawn(command[0], command.slice(1), {
    cwd: root,
    env: { ...process.env, ...extraEnv },
    stdio: "inherit",
  });
  return await new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code ?? 130));
  });
}

function showProgress(name, spinner) {
  // Under `make -j` several steps share the terminal: no spinner then.
  const live = spinner && process.stderr.isTTY === true && !/(^|\s)-j|jobserver/.test(process.env.MAKEFLAGS ?? "");
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  let lastLine = "";
  let frame = 0;
  const draw = () => {
    frame += 1;
    const line = `${FRAMES[frame % FRAMES.length]} ${name}  ${seconds()}  ${lastLine}`;
    process.stderr.write(CLEAR_LINE + line.slice(0, (process.stderr.columns ?? 80) - 1));
  };
  const announce = () => process.stderr.write(`… ${name}\n`);
  const timer = live ? setInterval(draw, 100) : setTimeout(announce, ANNOUNCE_AFTER_MS);
  return {
    note(chunk) {
      const lines = chunk
        .toString("utf8")
        .split(/[\r\n]+/)
        .filter((line) => line.trim() !== "");
      lastLine = (lines.at(-1) ?? lastLine).replaceAll(/[\u0000-\u001f\u007f]/g, " ").trim();
    },
    end(code) {
      clearInterval(timer);
      process.stderr.write(`${live ? CLEAR_LINE : ""}${code === 0 ? "✓" : "✗"} ${name}  ${seconds()}\n`);
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, separator, ...command] = process.argv.slice(2);
  if (name === undefined || separator !== "--" || command.length === 0) {
    process.stderr.write("usage: node scripts/step.mjs NAME -- COMMAND...\n");
    process.exit(64);
  }
  process.exitCode = await runStep({ name, command });
}
