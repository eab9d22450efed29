// Owns what the three chat hosts have in common: where their settings lie, how they name a server, what they give it. Never reads a file.
import type { ConfigFormat } from "./config-format.js";

export const hostNames = ["claude-code", "codex", "opencode"] as const;
export type HostName = (typeof hostNames)[number];

export const scopes = ["user", "project"] as const;
export type Scope = (typeof scopes)[number];

/** The name under which every host has our server. */
export const entryName = "pyro";

/** Variables of ours that an entry carries where they are set; any other variable of an entry is the user's. */
export const entryVariables = ["PYRO_HOME", "PYRO_ENVIRONMENT_CACHE_DIR"] as const;

/** Where the user calls from. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly cwd: string;
  /** Top folder of the checkout around `cwd`, else `cwd`. */
  readonly project: string;
  /** The first checkout of its repository, where `project` is a linked worktree of that; else `project`. */
  readonly repository: string;
}

/** The server as we want a host to start it. */
export interface ServerEntry {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The server as an entry makes a host start it. */
export interface Launch extends ServerEntry {
  /** Undefined: the folder in which the host was started. */
  readonly cwd?: string | undefined;
  /** Variables of the host's own environment that the entry asks for. */
  readonly passed: readonly string[];
}

/** A file in which a host may have our entry. */
export interface ConfigPlace {
  /** `local`: Claude Code's entries of one project in the user's file. */
  readonly scope: Scope | "local";
  readonly path: string;
  /** From the top of the file down to our entry. */
  readonly keys: readonly string[];
  /** Of a project's file: the folder that it must lie in, since a link in a project may lead anywhere. */
  readonly within?: string;
}

export type Protocol = "2026-07-28" | "2025-11-25" | "2025-06-18";

export type Fields = Readonly<Record<string, unknown>>;

export interface ChatHost {
  readonly name: HostName;
  readonly title: string;
  /** The revision of MCP that it asks a server for first. */
  readonly protocol: Protocol;
  /** Its program, as found on PATH. */
  readonly program: string;
  /** The command that installs it. */
  readonly install: string;
  readonly format: ConfigFormat;
  /** Every file that it reads here, the one that decides first; they need not exist. */
  places(surroundings: Surroundings): readonly ConfigPlace[];
  /** The first of these that exists is written to, else the first. */
  targets(scope: Scope, surroundings: Surroundings): readonly ConfigPlace[];
  /** True: entries of several files become one, field by field. False: the first one counts alone. */
  readonly merges: boolean;
  /** The fields of an entry. */
  fields(entry: ServerEntry): Fields;
  /** The field among these that has the variables. */
  readonly variables: string;
  /** What a field means that is not there. */
  readonly defaults: Fields;
  /** Fields that turn an entry into something else than a program to start. */
  readonly foreign: readonly string[];
  /** Undefined where this is no program to start. */
  launch(fields: unknown): Launch | undefined;
  /** The environment that it starts a server with, before the entry's own variables. */
  environment(env: NodeJS.ProcessEnv, launch: Launch): NodeJS.ProcessEnv;
  /** Arguments of its own command that adds the entry; undefined where the file has to be edited. */
  addCommand(entry: ServerEntry, target: ConfigPlace, config: unknown): readonly string[] | undefined;
  /** Why it does not read this file; `userConfig` is the content of the user's. */
  ignores(place: ConfigPlace, userConfig: unknown, surroundings: Surroundings): Obstacle | undefined;
  /** What the user has to do once before it starts an entry of this scope, where pyro cannot see whether it was done. */
  condition(scope: ConfigPlace["scope"]): Obstacle | undefined;
  /** Where the user has switched our server off, other than in the entry itself. */
  switchedOff(userConfig: unknown, surroundings: Surroundings): Obstacle | undefined;
  /** Keys that it puts by itself into each file of its settings that it reads. */
  readonly adds: readonly string[];
  /** What leaves a workspace as the only place where its model runs commands and changes files. */
  readonly guard: Guard;
  /** What to do after connecting, a sentence each. */
  nextSteps(scope: Scope): readonly string[];
}

/** Settings that take the host's own tools for that away. */
export interface Guard {
  /** Files that this user alone has for this project, or `user` for all of them; as of `targets`, and `keys` is empty. */
  places(scope: "local" | "user", surroundings: Surroundings): readonly ConfigPlace[];
  readonly settings: readonly GuardSetting[];
  /** What stays, and what the user may want to do about it, a sentence each. */
  readonly remarks: readonly string[];
}

/** A value, or items that a list has besides others. */
export type GuardSetting =
  | { readonly keys: readonly string[]; readonly value: string | boolean }
  | { readonly keys: readonly string[]; readonly items: readonly string[] };

/** A sentence each. */
export interface Obstacle {
  readonly text: string;
  readonly fix: string;
}
