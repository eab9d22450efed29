// Owns the bare copy of a repository that its clones are made from. Never checks anything out.
import { createHash } from "node:crypto";
import { access, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PyroError, asPyroError } from "../../base/error.js";
import type { Task } from "../../base/progress.js";
import { either, field, say } from "../../base/say.js";
import type { RepositoryUrl } from "./url.js";
import { git } from "./command.js";

export interface RefTarget {
  readonly commit: string;
  /** Where the ref is a branch. */
  readonly branch: string | undefined;
}

export interface Mirror {
  readonly path: string;
  /** Brings all branches and tags up to date. */
  fetch(task: Task): Promise<void>;
  /** Asks for what branches and tags do not lead to: a full name such as refs/pull/1/head, or a commit. */
  fetchMore(ref: string, task: Task): Promise<RefTarget | undefined>;
  /** What the other side lists for HEAD. */
  head(signal: AbortSignal): Promise<string>;
}

/** What the mirror is a copy of, and how to get in there. */
export interface Remote {
  readonly url: RepositoryUrl;
  /** Socket of the SSH agent that may be asked. */
  readonly sshAgent: string | undefined;
}

export async function openMirror(path: string, origin: Remote, signal: AbortSignal): Promise<Mirror> {
  const { url } = origin;
  const isThere = await access(join(path, "HEAD")).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { mode: 0o700 });
    await git({ args: ["init", "--quiet", "--bare", "--template=", path], signal });
  }
  const remote = async (args: readonly string[], task: Pick<Task, "signal" | "progress">) =>
    askRemote(origin, { path, args, task });
  return {
    path,
    async fetch(task) {
      task.progress({ phase: "fetch", message: `Fetching ${url.clean}` });
      const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
      await remote(["fetch", ...quietly, "--prune", "--progress", "origin", ...refs], task);
    },
    async fetchMore(ref, task) {
      if (!/^(refs\/.*|[0-9a-f]{7,64})$/u.test(ref)) return undefined;
      const kept = `refs/pyro/${createHash("sha256").update(ref).digest("hex").slice(0, 16)}`;
      try {
        await remote(["fetch", ...quietly, "origin", `+${ref}:${kept}`], task);
      } catch (error) {
        if (asPyroError(error).code === "unavailable") return undefined;
        throw error;
      }
      return commitOf({ path, name: kept, signal: task.signal });
    },
    head: async (signal) => remote(["ls-remote", "--symref", "origin", "HEAD"], { signal, progress: () => undefined }),
  };
}

/** The default branch's name; `not_found` for a repository without a commit. */
export async function findDefaultBranch(mirror: Mirror, signal: AbortSignal): Promise<string> {
  const listed = await mirror.head(signal);
  const branch =
    /^ref: refs\/heads\/(\S+)\tHEAD$/mu.exec(listed)?.[1] ?? /^([0-9a-f]{40,64})\tHEAD$/mu.exec(listed)?.[1];
  if (branch !== undefined) return Buffer.from(branch, "latin1").toString("utf8");
  throw new PyroError("not_found", "The repository has no default branch: it is empty, or its HEAD points nowhere.", {
    hint: say`Name a branch${either(say` by ${field("workspace_create", "repo_ref")}`)}.`,
  });
}

/** A branch before a tag before a commit of the same name. */
export async function resolveRef(
  mirror: Pick<Mirror, "path">,
  ref: string,
  signal: AbortSignal,
): Promise<RefTarget | undefined> {
  const { path } = mirror;
  const branch = ref.replace(/^refs\/heads\//u, "");
  const found = await commitOf({ path, name: `refs/heads/${branch}`, signal });
  if (found !== undefined) return { ...found, branch };
  const tag = await commitOf({ path, name: `refs/tags/${ref.replace(/^refs\/tags\//u, "")}`, signal });
  if (tag !== undefined || !/^[0-9a-f]{7,64}$/u.test(ref)) return tag;
  return commitOf({ path, name: ref, signal });
}

async function commitOf(wanted: { path: string; name: string; signal: AbortSignal }): Promise<RefTarget | undefined> {
  const args = ["rev-parse", "--verify", "--quiet", `${wanted.name}^{commit}`];
  const found = await git({ args, gitDir: wanted.path, signal: wanted.signal, answers: [1, 128] });
  return found === undefined ? undefined : { commit: found.trim(), branch: undefined };
}

const quietly = ["--force", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance"];

interface RemoteCall {
  readonly path: string;
  readonly args: readonly string[];
  readonly task: Pick<Task, "signal" | "progress">;
}

function settingsAsEnv(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const pairs = Object.entries(settings).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: String(pairs.length / 2) };
}

/** The URL stands in git's environment alone: neither in its configuration nor where other users can list it. */
async function askRemote({ url, sshAgent }: Remote, { path, args, task }: RemoteCall): Promise<string> {
  const settings = {
    "remote.origin.url": url.full,
    // The other side is a program of this host, at work in a repository that may want to fetch in its turn.
    ...(url.protocol === "file" ? { "remote.origin.uploadpack": "GIT_ALLOW_PROTOCOL=none git-upload-pack" } : {}),
  };
  const env = { ...settingsAsEnv(settings), SSH_AUTH_SOCK: sshAgent };
  const onStderrLine = (line: string) => {
    if (/^(remote: )?[\w ]+: +\d+% /u.test(line)) task.progress({ phase: "fetch", message: line.trim() });
  };
  try {
    const how = { transport: url.protocol, userSettings: true, env, onStderrLine };
    return await git({ args, gitDir: path, ...how, signal: task.signal });
  } catch (error) {
    task.signal.throwIfAborted();
    const { message } = asPyroError(error);
    const said = message.replaceAll(url.full, url.clean).replace(/\/\/[^/@\s]*@/gu, "//");
    const how =
      url.protocol === "ssh"
        ? "ssh gets in without asking: by a key without a passphrase, or by the agent of the caller's SSH_AUTH_SOCK"
        : "this host may read it without being asked for a password, for example by a credential helper";
    throw new PyroError("unavailable", `${url.clean} cannot be fetched: ${said}`, {
      hint: `Check the URL and that ${how}.`,
    });
  }
}
