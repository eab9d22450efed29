// Owns what callers can do with chat hosts: connect, show, examine, repair. Never parses a command line.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { resolvePaths } from "../base/paths.js";
import { userHome } from "../base/user.js";
import type { Task } from "../base/progress.js";
import { readHostFile } from "../base/read-host-file.js";
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
  const server = serverCommand(process.execPath, script, env);
  const contextOf = async (name: HostName): Promise<ConnectContext> => ({
    host: hosts[name],
    server,
    serveFlags,
    surroundings: await surroundingsOf(env, cwd),
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
      return { ...(await connectHost(await contextOf(name), request, task)), next };
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
  };
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
