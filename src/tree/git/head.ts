// Owns what a repository's HEAD is, read from its files without git. Never changes it, never leaves the repository.
import { readlink } from "node:fs/promises";
import { descriptorPath } from "../../base/host-roots.js";
import type { Repository } from "./repository.js";
import { readBelow } from "../seed/host-folder.js";
import type { ByteString } from "../tar/entry.js";

export interface GitHead {
  /** 40 or 64 hex digits; null before the first commit. */
  readonly commit: string | null;
  /** Null where HEAD is detached. */
  readonly branch: string | null;
}

export const noHead: GitHead = { commit: null, branch: null };

/** Bytes of a file with one ref. */
const maxRefBytes = 16 * 1024;
/** Bytes of all packed refs: about two million. */
const maxPackedBytes = 128 * 1024 * 1024;
/** As git: how often a ref may name another one. */
const maxSymbolicDepth = 5;

export async function headOf(repository: Repository): Promise<GitHead> {
  const head = await readRef(repository, "HEAD");
  if (head === undefined || "commit" in head) return { commit: head?.commit ?? null, branch: null };
  const branch = head.ref.replace(/^refs\/(heads\/|tags\/|remotes\/)?/u, "");
  const commit = await commitOf(repository, head.ref);
  return { commit, branch: Buffer.from(branch, "latin1").toString("utf8") };
}

type RefValue = { readonly commit: string } | { readonly ref: ByteString };

async function commitOf(repository: Repository, first: ByteString): Promise<string | null> {
  let name = first;
  for (let depth = 1; depth < maxSymbolicDepth; depth++) {
    const value = (await readRef(repository, name)) ?? (await packedRef(repository, name));
    if (value === undefined) return null;
    if ("commit" in value) return value.commit;
    name = value.ref;
  }
  return null;
}

/** A ref in a file of its own. */
async function readRef({ gitDir, common }: Repository, name: ByteString): Promise<RefValue | undefined> {
  const own = /^(HEAD$|refs\/(bisect|worktree|rewritten)\/)/u.test(name);
  const linked =
    name === "HEAD" ? await readlink(`${descriptorPath(gitDir)}/HEAD`, "latin1").catch(() => undefined) : undefined;
  if (linked !== undefined) return symbolic(linked);
  const content = await readBelow(own ? gitDir : common, name, { maxBytes: maxRefBytes });
  if (content === undefined) return undefined;
  const text = content.toString("latin1");
  const target = /^ref: *(.*?)\s*$/mu.exec(text)?.[1];
  return target === undefined ? commitIn(text) : symbolic(target);
}

/** Names as check-ref-format(1) takes them stay below the repository. */
function symbolic(name: ByteString): RefValue | undefined {
  return /^refs\/[^\0-\x20\x7f~^:?*[\\]+$/u.test(name) && !/\/\.|\.\.|\/\/|\/$/u.test(name) ? { ref: name } : undefined;
}

function commitIn(text: string): RefValue | undefined {
  const commit = /^([0-9a-f]{40}(?:[0-9a-f]{24})?)(?:\s|$)/u.exec(text)?.[1];
  return commit === undefined ? undefined : { commit };
}

async function packedRef({ common }: Repository, name: ByteString): Promise<RefValue | undefined> {
  const packed = await readBelow(common, "packed-refs", { maxBytes: maxPackedBytes });
  const at = packed?.indexOf(` ${name}\n`, 0, "latin1") ?? -1;
  if (packed === undefined || at < 0) return undefined;
  return commitIn(packed.toString("latin1", packed.lastIndexOf("\n", at) + 1, at));
}
