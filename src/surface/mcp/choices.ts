// Owns what the user chose for every workspace of a server: where its files come from, which folders a model may name. Never calls.
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { findHome } from "../../base/user.js";
import { checkServeChoices } from "../../operations/serve-choices.js";
import { parseRepositoryUrl } from "../../tree/git/url.js";
import type { AnswerTime } from "./answer-time.js";
import { confinePath, realFolder, type AllowedFolders } from "./confine.js";
import type { McpTool } from "./tools.js";

/** At most one of projectPath, repoUrl and noProjectSource; with none of them, the Git checkout around the working folder. */
export interface ServerChoices {
  /** Folder or Git checkout that workspaces start from. */
  readonly projectPath?: string | undefined;
  /** Repository that is cloned on the host, cleanly, for workspaces to start from. */
  readonly repoUrl?: string | undefined;
  /** Branch, tag or commit of repoUrl. */
  readonly repoRef?: string | undefined;
  /** Workspaces start empty. */
  readonly noProjectSource?: boolean | undefined;
  /** Files and folders below the project that go in though Git ignores them, such as node_modules. */
  readonly include?: readonly string[] | undefined;
  /** Where the model names none. */
  readonly environment?: string | undefined;
  /** More folders that the model may read from and export to. */
  readonly allowHostPaths?: readonly string[] | undefined;
}

export interface ServerScope {
  /** Fields of workspace_create for a model that names no seed_path. */
  readonly source: Readonly<Record<string, unknown>>;
  /** The same in words. */
  readonly sourceText: string;
  readonly allowed: AllowedFolders;
  /** What goes in of the project besides, as absolute paths without links above the project. */
  readonly included: readonly string[];
}

/** Looks at the file system only to find the checkout; throws `invalid_argument` for choices that contradict each other. */
export function scopeOf(choices: ServerChoices, cwd: string): ServerScope {
  const { projectPath, repoUrl, repoRef, noProjectSource = false, include = [], allowHostPaths = [] } = choices;
  checkServeChoices({
    project_path: projectPath,
    repo_url: repoUrl,
    repo_ref: repoRef,
    no_project_source: noProjectSource,
    include: [...include],
  });
  const more = allowHostPaths.map((folder) => realFolder(resolve(cwd, folder)));
  if (repoUrl !== undefined) {
    const ref = repoRef === undefined ? "" : ` at ${repoRef}`;
    return {
      source: { repo_url: repoUrl, ...(repoRef === undefined ? {} : { repo_ref: repoRef }) },
      sourceText: `a clean clone of ${parseRepositoryUrl(repoUrl).clean}${ref}`,
      allowed: { base: undefined, folders: more },
      included: [],
    };
  }
  const project =
    projectPath === undefined ? (noProjectSource ? undefined : checkoutAround(cwd)) : resolve(cwd, projectPath);
  if (project === undefined) {
    return { source: {}, sourceText: "", allowed: { base: undefined, folders: more }, included: [] };
  }
  return {
    source: { project_path: project, ...(include.length === 0 ? {} : { include: [...include] }) },
    sourceText: `the project ${project}, uncommitted changes${include.length === 0 ? "" : ` and ${include.join(", ")}`} included`,
    allowed: { base: project, folders: [realFolder(project), ...more] },
    included: include.map((path) => resolve(realFolder(project), path)),
  };
}

/** The operation's input for a model's arguments: host paths confined, the user's choices filled in. */
export async function applyScope(
  scope: ServerScope,
  { tool: { operation, toInput }, time }: { readonly tool: McpTool; readonly time: AnswerTime },
  args: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const confined: Record<string, unknown> = { ...args };
  for (const [field, access] of Object.entries(operation.hostPaths ?? {})) {
    const path = args[field];
    if (typeof path === "string") confined[field] = await confinePath(scope.allowed, { field, path, access });
  }
  const wantsSource = "project_path" in operation.input.shape && args["seed_path"] === undefined;
  const seed = confined["seed_path"];
  const include = typeof seed === "string" ? below(seed, scope.included) : [];
  return {
    ...toInput(confined, time),
    ...(wantsSource ? scope.source : {}),
    ...(include.length === 0 ? {} : { include }),
  };
}

/** What the user includes of the project, where a model names the project itself or a folder that holds some of it. */
function below(folder: string, included: readonly string[]): readonly string[] {
  return included.map((path) => relative(folder, path)).filter((path) => path !== "" && !/^\.\.(\/|$)/u.test(path));
}

/** The checkout's top folder. A home folder or `/` that is one is not taken without being asked for. */
function checkoutAround(cwd: string): string | undefined {
  const home = findHome();
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (folder === dirname(folder) || folder === home) return undefined;
    if (existsSync(join(folder, ".git"))) return folder;
  }
}
