// Owns what a user chooses for an MCP server, wherever it is chosen, and which choices contradict each other. Never serves.
import * as z from "zod";
import { PyroError } from "../base/error.js";
import { parseRepositoryUrl } from "../tree/git/url.js";
import { fieldsOf, flagNameOf } from "./field.js";
import { environmentName } from "./fields.js";
import { profiles } from "./operation.js";
import { plannedBy } from "./planned.js";
import { allowHostPathFlag, hostPath, include } from "./workspace-fields.js";

export const modes = ["repro-fix", "inspect", "cold-start", "review-eval"] as const;
export type Mode = (typeof modes)[number];

export const defaultProfile = "workspace-core" satisfies (typeof profiles)[number];

const text = z.string().min(1).max(2048);

/** Flags of `pyro mcp serve`, and of the commands that write its command line. */
export const serveFields = {
  profile: z
    .enum(profiles)
    .optional()
    .describe("Which tools the server offers; workspace-core unless a mode is given."),
  mode: z.enum(modes).optional().describe("The tools for one kind of task, instead of a profile."),
  project_path: hostPath.optional().meta({
    title: "PATH",
    description: "Folder or checkout that workspaces start from, instead of the one it is started in.",
  }),
  repo_url: text.optional().meta({
    title: "URL",
    description: "Repository to clone on the host for workspaces to start from; without a password or token in it.",
  }),
  repo_ref: text.optional().meta({ title: "REF", description: "Branch, tag or commit of it." }),
  no_project_source: z.boolean().default(false).describe("Workspaces start empty."),
  include,
  environment: environmentName
    .optional()
    .meta({ title: "ENV", description: "Environment where the model names none." }),
  allow_host_paths: z
    .array(hostPath)
    .default([])
    .meta({ title: "DIR", description: "Folder that the model may read from and export to, besides the project." }),
} as const;

/** Their flags, where these are not named after the field. */
export const serveFlagNames = allowHostPathFlag;

const serveChoices = z.strictObject(serveFields);
export type ServeChoices = z.output<typeof serveChoices>;

/** The choices among the fields of an input that has more. */
export function serveChoicesOf(input: Partial<ServeChoices>): ServeChoices {
  return z.object(serveFields).parse(input);
}

/** The choices as flags of `pyro mcp serve`; those that are as without a flag have none. */
export function serveFlagsOf(choices: ServeChoices): readonly string[] {
  const values: Readonly<Record<string, unknown>> = choices;
  return fieldsOf(serveChoices).flatMap(({ name }) => {
    const value = values[name];
    const flag = `--${flagNameOf(serveFlagNames, name)}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    // What begins with a dash would be taken for a flag.
    return [value]
      .flat()
      .map(String)
      .flatMap((each) => (each.startsWith("-") ? [`${flag}=${each}`] : [flag, each]));
  });
}

/** What `checkServeChoices` looks at. */
export type CheckedChoices = Partial<
  Pick<ServeChoices, "profile" | "mode" | "project_path" | "repo_url" | "repo_ref" | "no_project_source" | "include">
>;

/** Throws for choices that contradict each other or that no clone can be made from, and `unsupported` for what is planned. Touches no file. */
export function checkServeChoices(choices: CheckedChoices): void {
  const { project_path, repo_url, repo_ref, no_project_source = false, include = [], profile, mode } = choices;
  const made = [project_path !== undefined, repo_url !== undefined, no_project_source].filter(Boolean).length;
  if (made > 1) throw contradiction("--project-path, --repo-url and --no-project-source exclude each other.");
  if (repo_ref !== undefined && repo_url === undefined) throw contradiction("--repo-ref needs --repo-url.");
  if (include.length > 0 && (repo_url !== undefined || no_project_source)) {
    throw contradiction("--include needs the files of a folder: --repo-url and --no-project-source exclude it.");
  }
  if (repo_url !== undefined) parseRepositoryUrl(repo_url);
  if (profile !== undefined && mode !== undefined) {
    throw new PyroError("invalid_argument", "A mode and a profile exclude each other.", { hint: "Give one of them." });
  }
  const wanted = profile ?? defaultProfile;
  const [brings, name] =
    mode === undefined
      ? [plannedBy("profiles", wanted), `The profile ${wanted}`]
      : [plannedBy("modes", mode), `The mode ${mode}`];
  if (brings === undefined) return;
  throw new PyroError("unsupported", `${name} is not built yet.`, {
    hint: `It is planned with ${brings}; use the profile ${defaultProfile} until then.`,
  });
}

function contradiction(message: string): PyroError {
  return new PyroError("invalid_argument", message, { hint: "`pyro mcp serve --help` lists the flags." });
}
