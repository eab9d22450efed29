// Owns what callers can do with chat hosts: connect, show, examine, repair, disconnect. Never parses a command line.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { resolvePaths } from "../base/paths.js";
import { userHome } from "../base/user.js";
import type { Task } from "../base/progress.js";
import { readHostFile } from "../base/read-host-file.js";
import { connectHost, type Connected, type ConnectContext, type ConnectRequest } from "./connect.js";
import { disconnectHost, type Disconnected } from "./disconnect.js";
import { targetDocument } from "./document.js";
import { entryWith, newFields, serverCommand } from "./entry.js";
import { examineHost } from "./examine.js";
import type { HostExamination } from "./finding.js";
import { foldersUp } from "./folders-up.js";
import { planGuard } from "./guard.js";
import { hostNames, type HostName, type Scope, type Surroundings } from "./host.js";
import { hosts } from "./hosts.js";
import { ownEditsPath } from "./own-edits.js";
import { repairHost, type Repaired } from "./repair.js";
import type { FileChange } from "./report.js";
import type { ServeFlags } from "./serve-flags.js";

export interface ChatHosts {
  connect(name: HostName, request: HostRequest, task: Task): Promise<ConnectedHost>;
  /** The entry as it would stand in the file, and the file. */
  printConfig(name: HostName, request: PrintRequest): Promise<{ readonly file: string; readonly config: string }>;
  /** All of them, or the named one, which then should be connected. */
  examine(name: HostName | undefined, task: Task): Promise<readonly HostExamination[]>;
  repair(name: HostName): Promise<Repaired>;
  /** Takes out whatever connecting has put in. */
  disconnect(name: HostName): Promise<Disconnected>;
}

export interface HostRequest extends ConnectRequest {
  /** Where the host's own tools for commands and changes are taken away; undefined: they stay. */
  readonly onlyHere?: "local" | "user" | undefined;
}

export interface ConnectedHost extends Connected {
  /** The settings that take them away; without a change where they stood there already. */
  readonly guard: { readonly file: string; readonly change: FileChange | undefined } | undefined;
  /** A sentence each. */
  readonly next: readonly string[];
}

export interface PrintRequest {
  readonly scope: Scope;
  /** Of `pyro mcp serve`. */
  readonly flags: readonly string[];
}

export interface ChatHostsOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Absolute path of pyro.js. */
  readonly script: string;
  readonly serveFlags: ServeFlags;
}

const npxNote =
  "pyro runs from the cache of npx, which npm may empty: install it with `npm install -g pyro-mcp` and connect again.";

/** Reads nothing by itself. */
export function openChatHosts({ env, cwd, script, serveFlags }: ChatHostsOptions): ChatHosts {
  const server = serverCommand(process.execPath, script, env);
  const contextOf = async (name: HostName): Promise<ConnectContext> => ({
    host: hosts[name],
    server,
    serveFlags,
    surroundings: await surroundingsOf(env, cwd),
    ownEdits: () => ownEditsPath(env, name),
  });
  return {
    connect: async (name, request, task) => {
      // What is set wrongly here must not get into an entry.
      resolvePaths(env);
      const next = [
        ...hosts[name].nextSteps(request.scope),
        `\`pyro host doctor ${name}\` proves that it connects.`,
        ...(script.includes("/_npx/") ? [npxNote] : []),
      ];
      const context = await contextOf(name);
      const { onlyHere } = request;
      // What cannot be set is said before the entry is written.
      if (onlyHere !== undefined) await planGuard(context, onlyHere);
      const connected = await connectHost(context, request, task);
      const guard = onlyHere === undefined ? undefined : await setGuard(context, { ...request, onlyHere }, task);
      return { ...connected, guard, next: [...next, ...(guard === undefined ? [] : context.host.guard.remarks)] };
    },
    printConfig: async (name, { scope, flags }) => {
      resolvePaths(env);
      const { host, surroundings } = await contextOf(name);
      const [target] = host.targets(scope, surroundings);
      const { place } = await targetDocument(host, scope, surroundings).catch(() => ({ place: target }));
      const keys = place?.keys ?? [];
      const config = host.format.set("", keys, newFields(host, entryWith(server, flags)));
      return { file: place?.path ?? "", config };
    },
    examine: (name, task) => {
      const names = name === undefined ? hostNames : [name];
      return Promise.all(
        names.map(async (each) => examineHost(await contextOf(each), { named: name !== undefined }, task)),
      );
    },
    repair: async (name) => repairHost(await contextOf(name)),
    disconnect: async (name) => disconnectHost(await contextOf(name)),
  };
}

/** Says what it sets before it does. */
async function setGuard(
  context: ConnectContext,
  { onlyHere, dryRun }: ConnectRequest & { readonly onlyHere: "local" | "user" },
  task: Task,
): Promise<ConnectedHost["guard"]> {
  const { file, change, write } = await planGuard(context, onlyHere);
  if (change !== undefined && !dryRun) {
    const lines = change.diff.split("\n").filter((line) => /^\+(?!\+\+)/u.test(line));
    const message = `Setting in ${file}: ${lines.map((line) => line.slice(1).trim()).join(" ")}`;
    task.progress({ phase: "only-here", message });
    await write();
  }
  return { file, change };
}

async function surroundingsOf(env: NodeJS.ProcessEnv, cwd: string): Promise<Surroundings> {
  const home = userHome(env);
  const checkout = foldersUp(cwd).find((folder) => existsSync(join(folder, ".git")));
  const project = checkout ?? cwd;
  return { env, home, cwd, project, repository: await mainCheckout(project) };
}

/** Git's own links are a line. */
const maxLinkBytes = 8192;

async function mainCheckout(project: string): Promise<string> {
  const text = await readHostFile(join(project, ".git"), { maxBytes: maxLinkBytes }).catch(() => undefined);
  return /^gitdir: (.*)\/\.git\/worktrees\/[^/\n]+$/mu.exec(text?.toString("utf8") ?? "")?.[1] ?? project;
}
