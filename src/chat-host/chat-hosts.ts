// Owns what callers can do with chat hosts: connect, show, examine, repair. Never parses a command line.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { resolvePaths } from "../base/paths.js";
import type { Task } from "../base/progress.js";
import { connectHost, type Connected, type ConnectContext, type ConnectRequest } from "./connect.js";
import { targetDocument } from "./document.js";
import { entryWith, newFields, serverCommand } from "./entry.js";
import { examineHost } from "./examine.js";
import type { HostExamination } from "./finding.js";
import { foldersUp } from "./folders-up.js";
import { hostNames, type HostName, type Scope, type Surroundings } from "./host.js";
import { hosts } from "./hosts.js";
import { repairHost, type Repaired } from "./repair.js";
import type { ServeFlags } from "./serve-flags.js";

export interface ChatHosts {
  connect(name: HostName, request: ConnectRequest, task: Task): Promise<Connected & { next: readonly string[] }>;
  /** The entry as it would stand in the file, and the file. */
  printConfig(name: HostName, request: PrintRequest): Promise<{ readonly file: string; readonly config: string }>;
  /** All of them, or the named one, which then should be connected. */
  examine(name: HostName | undefined, task: Task): Promise<readonly HostExamination[]>;
  repair(name: HostName): Promise<Repaired>;
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
  const surroundings = surroundingsOf(env, cwd);
  const server = serverCommand(process.execPath, script, env);
  const contextOf = (name: HostName): ConnectContext => ({ host: hosts[name], surroundings, server, serveFlags });
  return {
    connect: async (name, request, task) => {
      // What is set wrongly here must not get into an entry.
      resolvePaths(env);
      const next = [
        ...hosts[name].nextSteps(request.scope),
        `\`pyro host doctor ${name}\` proves that it connects.`,
        ...(script.includes("/_npx/") ? [npxNote] : []),
      ];
      return { ...(await connectHost(contextOf(name), request, task)), next };
    },
    printConfig: async (name, { scope, flags }) => {
      resolvePaths(env);
      const host = hosts[name];
      const [target] = host.targets(scope, surroundings);
      const { place } = await targetDocument(host, scope, surroundings).catch(() => ({ place: target }));
      const keys = place?.keys ?? [];
      const config = host.format.set("", keys, newFields(host, entryWith(server, flags)));
      return { file: place?.path ?? "", config };
    },
    examine: (name, task) => {
      const names = name === undefined ? hostNames : [name];
      return Promise.all(names.map((each) => examineHost(contextOf(each), { named: name !== undefined }, task)));
    },
    repair: (name) => repairHost(contextOf(name)),
  };
}

function surroundingsOf(env: NodeJS.ProcessEnv, cwd: string): Surroundings {
  const home = env["HOME"] === undefined || env["HOME"] === "" ? homedir() : env["HOME"];
  const checkout = foldersUp(cwd).find((folder) => existsSync(join(folder, ".git")));
  const project = checkout ?? cwd;
  return { env, home, cwd, project, repository: mainCheckout(project) };
}

function mainCheckout(project: string): string {
  try {
    const link = /^gitdir: (.*)\/\.git\/worktrees\/[^/\n]+$/mu.exec(readFileSync(join(project, ".git"), "utf8"));
    return link?.[1] ?? project;
  } catch {
    return project;
  }
}
