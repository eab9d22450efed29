// Proves which host paths a model may name, and that what is passed on has no links left in it.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { leastTime } from "../../../../src/surface/mcp/answer-time.js";
import { applyScope, scopeOf } from "../../../../src/surface/mcp/choices.js";
import { confinePath, realFolder } from "../../../../src/surface/mcp/confine.js";
import { toolsOf } from "../../../../src/surface/mcp/tools.js";

const root = realpathSync(mkdtempSync(join(tmpdir(), "pyro-confine-")));
afterAll(() => rmSync(root, { recursive: true }));
for (const folder of ["project/src", "project/.git", "project-two", "allowed"])
  mkdirSync(join(root, folder), { recursive: true });
writeFileSync(join(root, "project/file"), "x");
symlinkSync("src", join(root, "project/inside"));
symlinkSync("../allowed", join(root, "project/across"));
symlinkSync("../project-two", join(root, "project/out"));
symlinkSync("/nowhere", join(root, "project/dangling"));
symlinkSync("loop", join(root, "project/loop"));
symlinkSync(join(root, "project"), join(root, "alias"));

const allowed = {
  base: join(root, "alias"),
  folders: [join(root, "alias"), join(root, "allowed"), join(root, "missing")].map(realFolder),
};

test.each([
  ["read", ".", "project"],
  ["read", "inside", "project/src"],
  ["read", "across", "allowed"],
  ["read", "out/../project/src", "project/project/src"],
  ["read", "src/nothing/there", "project/src/nothing/there"],
  ["read", "file/below", "project/file/below"],
  ["read", "out", undefined],
  ["read", "../project-two", undefined],
  ["read", "dangling", undefined],
  ["read", "loop", undefined],
  ["read", ".git", undefined],
  ["read", "/", undefined],
  ["write", "new", "project/new"],
  ["write", "inside/new", "project/src/new"],
  ["write", "across/deep/new", "allowed/deep/new"],
  ["write", "out/new", undefined],
  ["write", "dangling", undefined],
  ["write", "dangling/new", undefined],
  ["write", ".git/hooks/x", undefined],
  ["write", ".Git", undefined],
  ["write", "file", undefined],
  ["write", "..", undefined],
  ["write", "a\0b", undefined],
] as const)("%s %j leads to %j", async (access, path, expected) => {
  const found = confinePath(allowed, { field: "path", path, access }).catch(() => undefined);
  expect(await found).toBe(expected === undefined ? undefined : join(root, expected));
});

test("without a project a relative path has no meaning, and without folders nothing is allowed", async () => {
  const none = { base: undefined, folders: [] };
  const relative = confinePath(none, { field: "seed_path", path: "x", access: "read" });
  await expect(relative).rejects.toMatchObject({ code: "invalid_argument" });
  const absolute = confinePath(none, { field: "seed_path", path: root, access: "read" });
  await expect(absolute).rejects.toMatchObject({ code: "permission_denied" });
});

test("the checkout around the working folder is the project, unless the user chose otherwise", () => {
  const project = join(root, "project");
  expect(scopeOf({}, join(project, "src")).source).toEqual({ project_path: project });
  expect(scopeOf({}, join(root, "project-two")).source).toEqual({});
  expect(scopeOf({ noProjectSource: true }, project).source).toEqual({});
  expect(scopeOf({ projectPath: "../allowed" }, project).allowed).toEqual({
    base: join(root, "allowed"),
    folders: [join(root, "allowed")],
  });
  expect(() => scopeOf({ repoUrl: "https://user:secret@host/path" }, project)).toThrow("a password or token");
  const cloned = scopeOf({ repoUrl: "https://user@host/path", repoRef: "v1" }, project);
  expect([cloned.source, cloned.sourceText, cloned.allowed.folders]).toEqual([
    { repo_url: "https://user@host/path", repo_ref: "v1" },
    "a clean clone of https://host/path at v1",
    [],
  ]);
});

test("what the user includes goes in with the project, and with a folder of it what lies there; a model names none", async () => {
  const project = join(root, "project");
  const scope = scopeOf({ include: ["node_modules", "src/data"] }, project);
  expect(scope.source).toEqual({ project_path: project, include: ["node_modules", "src/data"] });
  const tool = toolsOf({ profile: "workspace-core" }).find((each) => each.tool.name === "workspace_create");
  if (tool === undefined) throw new Error("There is no workspace_create.");
  expect(Object.keys(tool.tool.inputSchema.properties ?? {})).not.toContain("include");
  const included = async (args: Readonly<Record<string, unknown>>) =>
    (await applyScope(scope, { tool, time: leastTime }, args))["include"];
  expect(await included({})).toEqual(["node_modules", "src/data"]);
  expect(await included({ seed_path: "." })).toEqual(["node_modules", "src/data"]);
  expect(await included({ seed_path: "src" })).toEqual(["data"]);
  expect(() => scopeOf({ include: ["x"], noProjectSource: true }, project)).toThrow("--include needs the files");
});
