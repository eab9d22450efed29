// Writes what is generated: both sides of the wire from proto/; docs/reference, docs/contract.md, the indexes of commands and tools and the
// names of calls from the operation table.
// With --check it writes into build/generated instead and says what differs from the checkout; git is not asked.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "./step.mjs";

const WIRE = ["src/guest/gen", "guest/internal/gen"];
const DOCUMENTS = ["docs/reference", "docs/contract.md"];
const INDEX = [
  "src/operations/commands.gen.ts",
  "src/operations/command-words.gen.ts",
  "src/base/calls.gen.ts",
  "src/surface/mcp/listed-tools.gen.ts",
];

const check = process.argv.includes("--check");
const target = check ? join(root, "build", "generated") : root;
if (check) {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
}

try {
  generateWire();
  run(process.execPath, ["scripts/command-index.mjs", target]);
  run(process.execPath, ["scripts/tool-list.mjs", target]);
  run(process.execPath, ["scripts/generate-reference.mjs", target]);
  const stale = check ? [...WIRE, ...INDEX, ...DOCUMENTS].flatMap(differences) : [];
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

/** Of a folder or a file. */
function differences(path) {
  const generated = filesOf(join(target, path));
  const kept = filesOf(join(root, path));
  return [...new Set([...generated.keys(), ...kept.keys()])]
    .filter((name) => generated.get(name) !== kept.get(name))
    .map((name) => `${path}${name}`);
}

/** What follows `path` in the names of its files → their text. */
function filesOf(path) {
  if (!existsSync(path)) return new Map();
  if (statSync(path).isFile()) return new Map([["", readFileSync(path, "utf8")]]);
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((each) => [each.slice(path.length), readFileSync(each, "utf8")]));
}

function run(program, args, env = process.env) {
  const result = spawnSync(program, args, { cwd: root, env, encoding: "utf8" });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}
