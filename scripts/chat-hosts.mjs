// Installs the chat hosts that test/hosts drives, at the versions of test/hosts/package.json, into build/chat-hosts.
// Does nothing, quickly, when they are there, or when PYRO_TEST_CHAT_HOSTS names a folder that has them.

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, runStep } from "./step.mjs";

const folder = process.env.PYRO_TEST_CHAT_HOSTS ?? join(root, "build", "chat-hosts");
const manifest = join(root, "test", "hosts", "package.json");
const wanted = JSON.parse(readFileSync(manifest, "utf8")).dependencies;
/** Written last: a folder without it was left half way. */
const complete = join(folder, "complete");

if (process.env.PYRO_TEST_CHAT_HOSTS === undefined && !(existsSync(complete) && differences().length === 0)) {
  mkdirSync(folder, { recursive: true });
  rmSync(complete, { force: true });
  copyFileSync(manifest, join(folder, "package.json"));
  const npm = (...args) => ["npm", ...args, "--no-audit", "--no-fund", "--no-package-lock"];
  // Two of them put their program in place with a script; only the scripts of these three packages run.
  await install("chat hosts from npm (about 1 GB)", npm("install", "--ignore-scripts"));
  await install("install scripts of the chat hosts", npm("rebuild", "--ignore-scripts=false", ...Object.keys(wanted)));
  writeFileSync(complete, "");
}
const different = differences();
for (const line of different) process.stderr.write(`${folder}: ${line}\n`);
process.exitCode = different.length === 0 ? 0 : 69;

function differences() {
  return Object.entries(wanted).flatMap(([name, version]) => {
    const path = join(folder, "node_modules", name, "package.json");
    const installed = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).version : "not installed";
    return installed === version ? [] : [`${name} is ${installed}, test/hosts/package.json wants ${version}`];
  });
}

async function install(name, command) {
  if ((await runStep({ name, command, cwd: folder })) !== 0) process.exit(69);
}
