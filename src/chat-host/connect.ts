// Owns registering our server with a host, by the host's own command where that keeps everything else. Never writes twice.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Task } from "../base/progress.js";
import { asPyroError, PyroError } from "../base/error.js";
import { call, say } from "../base/say.js";
import { runProgram } from "../base/spawn.js";
import { replaceConfigFile } from "./config-file.js";
import { targetDocument, readDocument, type Document } from "./document.js";
import { editEntry } from "./edit.js";
import { differencesOf, entryWith, newFields, serveFlagsIn, type Difference, type ServerCommand } from "./entry.js";
import { findOnPath } from "./find-program.js";
import type { ChatHost, Scope, ServerEntry, Surroundings } from "./host.js";
import { addOwnEdit } from "./own-edits.js";
import { additionOf, editOf, type FileChange } from "./report.js";
import type { ServeFlags } from "./serve-flags.js";
import { depthOf, differingPart, type OwnEdit } from "./taken-back.js";

export interface ConnectRequest {
  readonly scope: Scope;
  /** Of `pyro mcp serve`. */
  readonly flags: readonly string[];
  readonly dryRun: boolean;
}

export interface Connected {
  readonly file: string;
  /** Undefined: it was connected already, just so. */
  readonly change: FileChange | undefined;
  /** The host's own command that did it; undefined where the file was edited. */
  readonly command: readonly string[] | undefined;
}

export interface ConnectContext {
  readonly host: ChatHost;
  readonly surroundings: Surroundings;
  readonly server: ServerCommand;
  readonly serveFlags: ServeFlags;
  /** Path of the record of what we write into the host's files; throws where its folder is set wrongly. */
  ownEdits(): string;
}

/** Milliseconds for the host's own command. */
const commandTimeoutMs = 60_000;

export async function connectHost(context: ConnectContext, request: ConnectRequest, task: Task): Promise<Connected> {
  const { host, surroundings } = context;
  const program = await findOnPath(host.program, surroundings.env);
  if (program === undefined) throw notInstalled(host);
  const document = await targetDocument(host, request.scope, surroundings);
  const wanted = await wantedEntry(context, document, request.flags);
  const args = document.entry === undefined ? host.addCommand(wanted, document.place, document.value) : undefined;
  if (args === undefined) return edit(context, document, { wanted, dryRun: request.dryRun });
  const result = {
    file: document.place.path,
    change: additionOf(host, document.place, newFields(host, wanted)),
    command: [program, ...args],
  };
  if (request.dryRun) return result;
  task.progress({ phase: "connect", message: `Running ${host.program} ${args.slice(0, 2).join(" ")}` });
  await addOwnEdit(context.ownEdits(), ownEntry(document));
  await runHost(context, [program, ...args], task);
  await verify(host, document, wanted);
  return result;
}

/** Flags that mean the same as those that are there stay as they were written. */
async function wantedEntry(
  { host, server, serveFlags }: ConnectContext,
  { entry }: Document,
  flags: readonly string[],
): Promise<ServerEntry> {
  const launch = host.launch(entry);
  const present = launch === undefined ? undefined : serveFlagsIn([launch.command, ...launch.args]);
  const same = present !== undefined && (await serveFlags.mean(present, flags));
  return entryWith(server, same ? present : flags);
}

/** What another program writes is found again by its keys alone, and its file stays. */
function ownEntry({ place, file, value }: Document, after?: string): OwnEdit {
  const part = after === undefined ? { was: "", is: "" } : differingPart(file.text, after);
  return {
    path: place.path,
    scope: place.scope,
    within: place.within ?? null,
    ...part,
    created: after !== undefined && file.ownership === undefined,
    made_folder: !existsSync(dirname(place.path)),
    settings: [{ keys: [...place.keys], depth: depthOf(value, place.keys), items: null, previous: null, value: null }],
  };
}

async function edit(
  { host, ownEdits }: ConnectContext,
  document: Document,
  { wanted, dryRun }: { readonly wanted: ServerEntry; readonly dryRun: boolean },
): Promise<Connected> {
  const differences = differencesOf(host, document.entry, wanted);
  if (document.entry === undefined && !dryRun) {
    const after = editEntry(host.format, document.file.text, { place: document.place, differences });
    await addOwnEdit(ownEdits(), ownEntry(document, after));
  }
  const change = differences.length === 0 ? undefined : await write(host, document, { differences, dryRun });
  return { file: document.place.path, change, command: undefined };
}

/** Edits our entry in the file, unless it is only to be shown. */
export async function write(
  host: ChatHost,
  { place, file }: Document,
  { differences, dryRun }: { readonly differences: readonly Difference[]; readonly dryRun: boolean },
): Promise<FileChange> {
  const edited = editEntry(host.format, file.text, { place, differences });
  if (!dryRun) await replaceConfigFile(place, file, edited);
  return editOf(host, place, { before: file.text, after: edited });
}

async function runHost(
  { host, surroundings: { env, project } }: ConnectContext,
  [program = "", ...args]: readonly string[],
  { signal }: Task,
): Promise<void> {
  try {
    await runProgram(program, args, { signal, env, cwd: project, timeoutMs: commandTimeoutMs });
  } catch (error) {
    signal.throwIfAborted();
    const { message } = asPyroError(error);
    throw new PyroError("failed_precondition", `${host.title} did not take the entry: ${message}`, {
      hint: say`Put it in by hand: ${call("host_print_config", { host: host.name })} shows it.`,
      cause: error,
    });
  }
}

async function verify(host: ChatHost, { place }: Document, wanted: ServerEntry): Promise<void> {
  const { entry } = await readDocument(host, place);
  if (entry !== undefined && differencesOf(host, entry, wanted).length === 0) return;
  throw new PyroError("internal", `${host.program} has reported success, but ${place.path} has no such entry.`, {
    hint: say`Put it in by hand: ${call("host_print_config", { host: host.name })} shows it.`,
  });
}

function notInstalled({ name, title, program, install }: ChatHost): PyroError {
  return new PyroError("failed_precondition", `${title} is not installed: there is no \`${program}\` on PATH.`, {
    hint: say`Install it (${install}), or put the entry in by hand: ${call("host_print_config", { host: name })} shows it.`,
  });
}
