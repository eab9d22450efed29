// Checks one installation of the tarball: an empty folder, one version of Node, nothing of the checkout but the type checker.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { handshake } from "./handshake.mjs";
import { root } from "../step.mjs";
import { capture, npmProgram } from "./programs.mjs";
import { expectEqual, step } from "./steps.mjs";

const ENVIRONMENT = "debian:12";

export async function checkInstall({ tarball, node, folder, environments }) {
  const project = join(folder, "a project");
  mkdirSync(project, { recursive: true });
  const home = join(folder, "h");
  // What a user's shell has, and nothing of this one's settings.
  const env = {
    PATH: `${dirname(node)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: join(folder, "home of a user"),
    PYRO_HOME: home,
    PYRO_ENVIRONMENT_CACHE_DIR: environments,
  };
  mkdirSync(env.HOME);
  const major = readVersion(node);
  const at = (name, work) => step(`${major}: ${name}`, work);
  const install = { project, node, env };
  try {
    await at("npm install, offline, into an empty folder", () => installTarball(tarball, install));
    await at("npx pyro --version", (say) => npx(install, say));
    await at("doctor", (say) => doctor(install, say));
    await at("run", (say) => run(install, say));
    await at("MCP handshake and vm_run", (say) => handshake(pyroOf(project), { env, cwd: "/", say }));
    await at("SDK: types and a run", () => sdk(install));
    const moved = await at("moved, and not writable", () => move(install));
    await at("nothing is left", () => end({ ...install, project: moved }));
  } finally {
    const [pyro] = [project, `${project} moved`].map(pyroOf).filter((path) => existsSync(path));
    if (pyro !== undefined) await capture([node, pyro, "daemon", "stop"], { env }).catch(() => undefined);
  }
}

function readVersion(node) {
  return `Node ${/node-([\d.]+)/u.exec(node)?.[1] ?? node}`;
}

function pyroOf(project) {
  return join(project, "node_modules", ".bin", "pyro");
}

async function installTarball(tarball, { project, node, env }) {
  writeFileSync(join(project, "package.json"), '{"private":true,"type":"module"}\n');
  await capture([node, npmProgram(), "install", "--offline", "--no-audit", "--no-fund", tarball], {
    cwd: project,
    env,
  });
  const installed = readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."));
  expectEqual("installed packages", installed, ["pyro-mcp"]);
  for (const program of ["pyro.js", "pyro-guest"]) {
    const { mode } = statSync(join(project, "node_modules", "pyro-mcp", "dist", program));
    if ((mode & 0o111) === 0) throw new Error(`${program} is not executable`);
  }
  checkLinks(join(project, "node_modules", "pyro-mcp"));
}

/** Whatever the README names is in the package too. */
function checkLinks(folder) {
  const text = readFileSync(join(folder, "README.md"), "utf8");
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/gu)].map(([, path]) => path);
  expectEqual(
    "links of README.md that lead nowhere in the package",
    links.filter((path) => !existsSync(join(folder, path))),
    [],
  );
}

async function npx({ project, node, env }, say) {
  const command = [node, npmProgram(), "exec", "--offline", "--", "pyro", "--version"];
  const { stdout } = await capture(command, { cwd: project, env });
  say(stdout.trim());
}

async function doctor({ project, env }, say) {
  const { stdout } = await capture([pyroOf(project), "doctor", "--json"], { cwd: project, env });
  const { ok, findings } = JSON.parse(stdout);
  expectEqual("doctor's verdict", ok, true);
  say(findings.find(({ code }) => code === "engine")?.text);
}

async function run({ project, node, env }, say) {
  const options = { cwd: project, env };
  const { stdout } = await capture([pyroOf(project), "run", ENVIRONMENT, "--", "git", "--version"], options);
  await capture([pyroOf(project), "run", ENVIRONMENT, "--", "sh", "-c", "exit 7"], { ...options, code: 7 });
  const compiled = join(env.PYRO_HOME, "cache", "compiled");
  expectEqual(
    "builds whose compiled code is kept",
    existsSync(compiled) ? readdirSync(compiled).length : 0,
    keeps(node),
  );
  say(stdout.trim());
}

/** Node 20 cannot keep what it compiles. */
function keeps(node) {
  return readVersion(node).startsWith("Node 20.") ? 0 : 1;
}

/** A program of a user: checked against the package's types, without any other package, and run. */
async function sdk({ project, node, env }) {
  const source = `
    import { Pyro, PyroError, type CreateWorkspaceInput } from "pyro-mcp";
    const pyro = new Pyro();
    const input: CreateWorkspaceInput = { environment: "${ENVIRONMENT}", labels: { check: "dist" } };
    await using workspace = await pyro.workspace(input);
    await workspace.writeFile({ path: "a.txt", text: "one\\n" });
    const { exitCode, stdout } = await workspace.exec({ command: "cat a.txt" });
    const { patch } = await workspace.diff();
    const code: string = await pyro.inspectEnvironment({ environment: "nope" }).then(
      () => "none",
      (error: unknown) => (error instanceof PyroError ? error.code : "other"),
    );
    // @ts-expect-error -- there is no such field
    const wrong: CreateWorkspaceInput = { nothing: 1 };
    console.log(JSON.stringify({ exitCode, stdout, isDiff: patch.includes("+one"), code, wrong: Object.keys(wrong) }));
  `;
  writeFileSync(join(project, "check.ts"), source);
  const flags = ["--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "nodenext"];
  const types = [
    "--lib",
    "es2023,esnext.disposable",
    "--types",
    "node",
    "--typeRoots",
    join(root, "node_modules", "@types"),
  ];
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  await capture([node, tsc, ...flags, ...types, "check.ts"], { cwd: project, env });
  const { stdout } = await capture([node, "check.js"], { cwd: project, env });
  const wanted = { exitCode: 0, stdout: "one\n", isDiff: true, code: "not_found", wrong: ["nothing"] };
  expectEqual("the SDK's result", JSON.parse(stdout), wanted);
}

/** Another place, where the user may not write: an administrator installed it. */
async function move({ project, env }) {
  await capture([pyroOf(project), "daemon", "stop"], { env });
  const moved = `${project} moved`;
  renameSync(project, moved);
  await capture(["chmod", "-R", "a-w", join(moved, "node_modules")], {});
  try {
    const { stdout } = await capture([pyroOf(moved), "run", ENVIRONMENT, "--", "echo", "moved"], { env });
    expectEqual("its output", stdout, "moved\n");
  } finally {
    chmodSync(moved, 0o755);
    await capture(["chmod", "-R", "u+w", moved], {});
  }
  return moved;
}

async function end({ project, env }) {
  const { stdout } = await capture([pyroOf(project), "daemon", "status", "--json"], { env });
  expectEqual("machines that still run", JSON.parse(stdout).running_machines, 0);
  const listed = await capture([pyroOf(project), "workspace", "list", "--json"], { env });
  expectEqual("workspaces that are left", JSON.parse(listed.stdout).workspaces, []);
  await capture([pyroOf(project), "daemon", "stop"], { env });
}
