// Owns deciding how an entry may be tried: never as a project has written it, and only where it names our own program. Starts nothing.
import { realpath } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { maskPasswords } from "../base/mask-passwords.js";
import type { ServerCommand } from "./entry.js";
import { serveFlagsIn } from "./entry.js";
import { entryVariables, type ChatHost, type Launch, type Surroundings } from "./host.js";
import type { Registration } from "./registration.js";
import type { Origin, ServeFlags } from "./serve-flags.js";

export interface Trial {
  /** Who writes the file: a project's comes from whoever made the project. */
  readonly origin: Origin;
  /** Our own command, with all of its environment; undefined where it is not to be started. */
  readonly launch: (Launch & { readonly environment: NodeJS.ProcessEnv }) | undefined;
  /** Whether the entry names our own command. */
  readonly isOurs: boolean;
  /** What the entry says beyond what is tried, each in a few words. */
  readonly leftOut: readonly string[];
}

export interface TrialContext {
  readonly host: ChatHost;
  readonly surroundings: Surroundings;
  readonly server: ServerCommand;
  readonly serveFlags: ServeFlags;
}

/** A list of several files is a project's as soon as one of them is. */
export function originOf({ documents }: Registration): Origin {
  return documents.some(({ place }) => place.scope === "project") ? "project" : "user";
}

/**
 * Only `command`, the script and flags that are safe are taken from the entry; all else is as we would register it. What
 * a user's own entry says beyond that is meant: without it something else would be tried, so nothing is.
 */
export async function trialOf(context: TrialContext, registration: Registration, entry: Launch): Promise<Trial> {
  const { host, surroundings, server, serveFlags } = context;
  const origin = originOf(registration);
  if (!(await isOurs(entry, server))) return { origin, launch: undefined, isOurs: false, leftOut: [] };
  const flags = serveFlagsIn([entry.command, ...entry.args]) ?? [];
  const { kept, leftOut } = await serveFlags
    .tried(flags, origin)
    .catch(() => ({ kept: [], leftOut: flags.length === 0 ? [] : [flags.map(maskPasswords).join(" ")] }));
  const launch = { command: server.node, args: [server.script, "mcp", "serve", ...kept], env: server.env, passed: [] };
  const environment = { ...host.environment(surroundings.env, launch), ...server.env };
  const beyond = [...leftOut, ...variablesLeftOut(host, entry, server), ...folderLeftOut(entry)];
  const isTried = origin === "project" || beyond.length === 0;
  return {
    origin,
    launch: isTried ? { ...launch, cwd: surroundings.cwd, environment } : undefined,
    isOurs: true,
    leftOut: beyond,
  };
}

/** Names alone: their values may be secrets. */
function variablesLeftOut({ variables }: ChatHost, { env, passed }: Launch, server: ServerCommand): readonly string[] {
  const isOwn = (name: string) => entryVariables.some((each) => each === name && env[name] === server.env[name]);
  return [
    ...Object.keys(env)
      .filter((name) => !isOwn(name))
      .map((name) => `${variables}.${name}`),
    ...passed.map((name) => `the caller's ${name}`),
  ];
}

function folderLeftOut({ cwd }: Launch): readonly string[] {
  return cwd === undefined ? [] : [`the folder ${cwd}`];
}

/** Relative words and bare names are looked up where a project may have put something. */
async function isOurs({ command, args }: Launch, { node, script }: ServerCommand): Promise<boolean> {
  const [file = "", ...words] = args;
  if (words[0] !== "mcp" || words[1] !== "serve") return false;
  return (await isSame(command, node)) && (await isSame(file, script));
}

async function isSame(path: string, ours: string): Promise<boolean> {
  if (!isAbsolute(path)) return false;
  const [theirs, own] = await Promise.all([path, ours].map((each) => realpath(each).catch(() => undefined)));
  return theirs !== undefined && theirs === own;
}
