// Writes what is generated: both sides of the wire from proto/, and docs/reference from the operation table.
// With --check it writes into build/generated instead and says what differs from the checkout; git is not asked.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./step.mjs";

const WIRE = ["src/machine/gen", "guest/internal/gen"];
/** Called with the folder to write to; comes with the operation table. */
const REFERENCE_GENERATOR = "scripts/generate-reference.mjs";
const REFERENCE = "docs/reference";

const check = process.argv.includes("--check");
const target = check ? join(root, "build", "generated") : root;
if (check) {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
}

try {
  generateWire();
  const hasReference = existsSync(join(root, REFERENCE_GENERATOR));
  if (hasReference) run(process.execPath, [REFERENCE_GENERATOR, join(target, REFERENCE)]);
  const stale = check ? [...WIRE, ...(hasReference ? [REFERENCE] : [])].flatMap(differences) : [];
  for (const path of stale) process.stdout.write(`${path} is not what its source generates: run make generate\n`);
  if (stale.length > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`generate: ${error.message}\n`);
  process.exitCode = 1;
}

function generateWire() {
  const goRoot = run("scripts/go", ["env", "GOROOT"]).trim();
  // buf starts the Go plug-ins as `go tool`: the right go has to come first.
  const env = { ...process.env, PATH: `${join(goRoot, "bin")}:${process.env.PATH}`, GOTOOLCHAIN: "local" };
  run("node_modules/.bin/buf", ["generate", "--output", target], env);
}

function differences(folder) {
  const generated = filesOf(join(target, folder));
  const kept = filesOf(join(root, folder));
  return [...new Set([...generated.keys(), ...kept.keys()])]
    .filter((name) => generated.get(name) !== kept.get(name))
    .map((name) => `${folder}/${name}`);
}

function filesOf(folder) {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]));
}

function run(program, args, env = process.env) {
  const result = spawnSync(program, args, { cwd: root, env, encoding: "utf8" });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}
